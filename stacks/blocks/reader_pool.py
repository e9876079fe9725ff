"""Who may read the dashboard: a Cognito user pool that an administrator fills."""

import aws_cdk as cdk
from aws_cdk import aws_cognito as cognito
from constructs import Construct

from lakehouse.settings import Stage

SIGNED_IN_HOURS = 8


class ReaderPool(Construct):
    """Users sign in with their address and a second factor; nobody signs up by themselves."""

    pool: cognito.UserPool
    """The users."""
    domain: cognito.UserPoolDomain
    """Where they sign in."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage) -> None:
        super().__init__(scope, construct_id)
        self.pool = cognito.UserPool(
            self,
            "Pool",
            user_pool_name=f"{stage.prefix}-readers",
            self_sign_up_enabled=False,
            sign_in_aliases=cognito.SignInAliases(email=True),
            sign_in_case_sensitive=False,
            mfa=cognito.Mfa.REQUIRED,
            mfa_second_factor=cognito.MfaSecondFactor(otp=True, sms=False),
            account_recovery=cognito.AccountRecovery.EMAIL_ONLY,
            password_policy=cognito.PasswordPolicy(
                min_length=12,
                require_lowercase=True,
                require_uppercase=True,
                require_digits=True,
                require_symbols=True,
            ),
            feature_plan=cognito.FeaturePlan.LITE,
            deletion_protection=stage.data.deletion_protection,
            removal_policy=(
                cdk.RemovalPolicy.DESTROY if stage.data.may_die else cdk.RemovalPolicy.RETAIN
            ),
        )
        self.domain = self.pool.add_domain(
            "Domain",
            # The name is the world's, so it carries the account.
            cognito_domain=cognito.CognitoDomainOptions(
                domain_prefix=f"{stage.prefix}-{cdk.Aws.ACCOUNT_ID}"
            ),
        )

    @property
    def issuer(self) -> str:
        """What its tokens name as their issuer."""
        return self.pool.user_pool_provider_url

    def client(
        self, construct_id: str, *, name: str, callback: str, secret: bool
    ) -> cognito.UserPoolClient:
        """An app that signs users in by the code flow and is led back to `callback`.

        Without a secret it proves itself by PKCE.
        """
        return self.pool.add_client(
            construct_id,
            user_pool_client_name=name,
            generate_secret=secret,
            auth_flows=cognito.AuthFlow(),
            o_auth=cognito.OAuthSettings(
                flows=cognito.OAuthFlows(authorization_code_grant=True),
                scopes=[cognito.OAuthScope.OPENID],
                callback_urls=[callback],
            ),
            supported_identity_providers=[cognito.UserPoolClientIdentityProvider.COGNITO],
            prevent_user_existence_errors=True,
            id_token_validity=cdk.Duration.hours(SIGNED_IN_HOURS),
        )
