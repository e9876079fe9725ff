"""The end of the deployment that the tests of `test_platform*.py` share."""

from tests.e2e.account import Deployment


def test_destroy_leaves_no_stack_and_down_twice_is_fine(deployment: Deployment) -> None:
    deployment.make("destroy")
    stacks = deployment.client("cloudformation").list_stacks()["StackSummaries"]
    alive = {s["StackName"] for s in stacks if s["StackStatus"] != "DELETE_COMPLETE"}
    assert not {name for name in alive if name.startswith("lakehouse-")}
    assert not deployment.client("lambda").list_functions()["Functions"]
    deployment.make("down")
    deployment.make("down")
    assert not (deployment.home / "state").exists()
    refused = deployment.make("status", check=False)
    assert refused.returncode != 0
    assert "make up" in refused.stderr
