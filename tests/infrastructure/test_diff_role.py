"""`cdk diff` as diff.yml calls it, on an AWS that allows what the diff's role may do, no more."""

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

import pytest
import yaml

from delivery.comment import body
from tests import shell

ROOT = Path(__file__).parents[2]
ACCOUNT = "123456789012"
ALLOWED = {"GetCallerIdentity", "DescribeStacks", "GetTemplate"}
"""The first one nobody has to be allowed."""


class Aws(ThreadingHTTPServer):
    """Stacks with the templates given, and a list of all that was asked."""

    def __init__(self, templates: dict[str, str]) -> None:
        self.templates = templates
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), Answer)


class Answer(BaseHTTPRequestHandler):
    server: Aws

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        asked = dict(parse_qsl(self.rfile.read(length).decode()))
        action, stack = asked["Action"], asked.get("StackName", "")
        self.server.asked.append(action)
        if action not in ALLOWED:
            return self._refuse(403, "AccessDenied", f"not authorized to perform {action}")
        if action == "GetCallerIdentity":
            return self._say(
                action, f"<Account>{ACCOUNT}</Account><Arn>arn</Arn><UserId>x</UserId>"
            )
        if stack not in self.server.templates:
            return self._refuse(400, "ValidationError", f"Stack with id {stack} does not exist")
        if action == "GetTemplate":
            text = escape(self.server.templates[stack])
            return self._say(action, f"<TemplateBody>{text}</TemplateBody>")
        return self._say(
            action,
            f"<Stacks><member><StackName>{stack}</StackName><StackId>{stack}</StackId>"
            "<StackStatus>CREATE_COMPLETE</StackStatus>"
            "<CreationTime>2026-01-01T00:00:00Z</CreationTime></member></Stacks>",
        )

    def _say(self, action: str, result: str) -> None:
        self._send(
            200, f"<{action}Response><{action}Result>{result}</{action}Result></{action}Response>"
        )

    def _refuse(self, status: int, code: str, message: str) -> None:
        error = f"<Type>Sender</Type><Code>{code}</Code><Message>{message}</Message>"
        self._send(status, f"<ErrorResponse><Error>{error}</Error></ErrorResponse>")

    def _send(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def assembly(synthesized: Path, tmp_path: Path) -> Path:
    """What diff.yml hands from its first job to its second: documents, without assets."""
    made = tmp_path / "templates" / "dev"
    made.mkdir(parents=True)
    for path in (synthesized / "dev").glob("*.json"):
        shutil.copy(path, made)
    return made


@pytest.fixture
def aws(assembly: Path) -> Iterator[Aws]:
    """All stacks are deployed; the dashboard's has lost its outputs, the upkeep's is not there."""
    templates = {}
    for path in assembly.glob("*.template.json"):
        template = json.loads(path.read_text())
        name = path.name.removesuffix(".template.json").lower()
        if name == "dashboard":
            del template["Outputs"]
        if name != "upkeep":
            templates[f"lakehouse-dev-{name}"] = json.dumps(template)
    server = Aws(templates)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_the_role_suffices_and_the_comment_tells_what_changes(
    aws: Aws, assembly: Path, tmp_path: Path
) -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "diff.yml").read_text())
    scripts = "".join(step.get("run", "") for step in workflow["jobs"]["diff"]["steps"])
    arguments = "diff --app templates/$stage --method template --no-color"
    assert f'make cdk ARGS="{arguments}"' in scripts
    here = arguments.replace("templates/$stage", str(assembly)).split()
    told = subprocess.run(
        [sys.executable, "-m", "local", "cdk", *here],
        cwd=ROOT,
        env=shell.environment(
            AWS_ENDPOINT_URL=f"http://127.0.0.1:{aws.server_port}",
            AWS_ACCESS_KEY_ID="testing",
            AWS_SECRET_ACCESS_KEY="testing",
            AWS_REGION="eu-west-1",
            CDK_HOME=str(tmp_path),  # where it remembers whose a key is
        ),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    assert set(aws.asked) == ALLOWED | {"AssumeRole"}, "the one it tries, and goes on without"
    text = body({"dev": told.stdout}, ACCOUNT)
    stacks = len(list(assembly.glob("*.template.json")))
    assert f"dev: 2 of {stacks} stacks change" in text
    assert "[+] Output DashboardRole" in text
    assert ACCOUNT not in text
