"""Sign-in with OIDC before anything of the dashboard is seen.

Two ways, by what stands before the server: a load balancer that signs its readers in and says so in
a signed header (`LoadBalancerSignIn`), or nothing, so that the server itself leads to the provider
and back (`CodeFlow`). Either marks a request with who it is: `signed_in(scope)`.
"""

from dashboard.signin.code_flow import CodeFlow
from dashboard.signin.gate import signed_in
from dashboard.signin.load_balancer import LoadBalancerSignIn
from dashboard.signin.provider import Provider

__all__ = ["CodeFlow", "LoadBalancerSignIn", "Provider", "signed_in"]
