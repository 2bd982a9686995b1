#!/usr/bin/env python3
"""Helm 4 on a command line, as far as the tests need it.

Helm's own Go code comes as a shared library with the Python package helm-python-sdk. This gives it the words, flags and
exit codes of `helm`. scripts/tools installs it as target/tools/bin/helm4.
"""

import argparse
import base64
import contextlib
import io
import json
import logging
import os
import sys
import tempfile

import helm_python as helm


class Console(logging.Handler):
    """Where what Helm says goes: what the module only logs, `helm` prints."""

    def __init__(self, results) -> None:
        super().__init__()
        self.results = results

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage().rstrip("\n")
        if text.startswith(("Pushed: ", "Pulled: ", "Digest: ")):
            print(text, file=self.results, flush=True)
        elif record.levelno >= logging.WARNING:
            print(text, file=sys.stderr)


def main() -> int:
    return run(sys.argv[1:])


def run(words: list) -> int:
    arguments = parser().parse_args(words)
    logger = logging.getLogger("helm_python.native")
    # `template` and `show` have another result, which a pull on the way must not mix with.
    logger.handlers = [Console(sys.stdout if arguments.run in (push, pull) else sys.stderr)]
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    helm.enable_logging(logging.DEBUG)
    try:
        arguments.run(arguments)
    except helm.HelmError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="helm4", description="Helm 4 for tests", allow_abbrev=False)
    commands = top.add_subparsers(required=True)

    def command(name, run, *positionals, transport=True):
        one = commands.add_parser(name, allow_abbrev=False)
        for positional in positionals:
            one.add_argument(positional.rstrip("?"), nargs="?" if positional.endswith("?") else None)
        if transport:
            # Unset means what the host suggests, as with `oras` and our own commands.
            one.add_argument("--plain-http", action=argparse.BooleanOptionalAction)
            one.add_argument("--insecure-skip-tls-verify", action="store_true")
        one.set_defaults(run=run)
        return one

    command("version", version, transport=False)
    command("push", push, "chart", "remote")
    one = command("pull", pull, "chart")
    one.add_argument("--version")
    one.add_argument("-d", "--destination", default=".")
    one.add_argument("--untar", action="store_true")
    one.add_argument("--untardir")
    one = command("show", show, "what", "chart")
    one.add_argument("--version")
    one = command("template", template, "name_or_chart", "chart?")
    one.add_argument("--version")
    one.add_argument("--values", help="a JSON object")
    one = command("package", package, "chart", transport=False)
    one.add_argument("-d", "--destination", default=".")
    command("files", files, transport=False)
    command("metadata", metadata, transport=False)
    command("many", many, transport=False)
    command("tags", tags, "chart")
    command("resolve", resolve, "chart")
    one = command("login", login, "host")
    one.add_argument("-u", "--username", required=True)
    one.add_argument("--password-stdin", action="store_true", required=True)
    command("logout", logout, "host")
    one = command("dependency", dependency, "action", "chart")
    one = command("verify", verify, "chart", transport=False)
    one.add_argument("--keyring", required=True)
    return top


def plain_http(arguments, where: str) -> bool:
    """Whether to speak HTTP without TLS: as told, else on the loopback interface."""
    if arguments.plain_http is not None:
        return arguments.plain_http
    host = where.removeprefix("oci://").split("/")[0].rsplit(":", 1)[0]
    return not arguments.insecure_skip_tls_verify and (
        host in ("localhost", "[::1]") or host.startswith("127.")
    )


def client(arguments, where: str) -> helm.RegistryClient:
    """A client that knows the logins of Helm's own file, or of the one that Helm's variable names."""
    return helm.RegistryClient(
        plain_http=plain_http(arguments, where),
        credentials_file=os.environ.get("HELM_REGISTRY_CONFIG"),
    )


def transport(arguments, where: str) -> dict:
    return {
        "client": client(arguments, where),
        "plain_http": plain_http(arguments, where),
        "insecure_skip_tls_verify": arguments.insecure_skip_tls_verify,
    }


def version(_arguments) -> None:
    print(helm.helm_sdk_version())


def push(arguments) -> None:
    result = helm.push(arguments.chart, arguments.remote, **transport(arguments, arguments.remote))
    sys.stdout.write(result["output"])


def pull(arguments) -> None:
    result = helm.pull(
        arguments.chart,
        version=arguments.version,
        destination=arguments.destination,
        untar=arguments.untar,
        untar_dir=arguments.untardir,
        **transport(arguments, arguments.chart),
    )
    sys.stdout.write(result["output"])


@contextlib.contextmanager
def local(arguments, chart: str):
    """A path for a chart that may be an oci:// reference."""
    if not chart.startswith("oci://"):
        yield chart
        return
    with tempfile.TemporaryDirectory() as scratch:
        helm.pull(
            chart, version=arguments.version, destination=scratch, **transport(arguments, chart)
        )
        yield os.path.join(scratch, os.listdir(scratch)[0])


def show(arguments) -> None:
    # By way of a pull: this release of the module has the parameter `version` and its library refuses it.
    with local(arguments, arguments.chart) as chart:
        sys.stdout.write(helm.show(chart, output_format=arguments.what))


def template(arguments) -> None:
    """`template CHART` or `template NAME CHART`."""
    name, chart = "release-name", arguments.name_or_chart
    if arguments.chart is not None:
        name, chart = chart, arguments.chart
    with local(arguments, chart) as path, helm.Chart.load(path) as loaded:
        values = json.loads(arguments.values) if arguments.values else None
        manifests = loaded.render(values, name=name)
    for path, text in sorted(manifests.items()):
        if text.strip():
            print(f"---\n# Source: {path}\n{text.strip()}")


def package(arguments) -> None:
    print(helm.package(arguments.chart, destination=arguments.destination))


def files(_arguments) -> None:
    """Of packages whose paths come on stdin, a line each: what Helm loads, or why it does not, as a line of JSON."""
    for line in sys.stdin:
        try:
            with helm.Chart.load(line.rstrip("\n")) as chart:
                loaded = {}
                for file in chart.files + chart.templates:
                    loaded.setdefault(file["name"], []).append(file["data"])
                metadata = chart.metadata
                found = {
                    "name": metadata["name"],
                    "description": metadata.get("description", ""),
                    "values": chart.values or {},
                    "files": loaded,
                    "subcharts": sorted(one["name"] for one in chart.dependencies),
                }
        except helm.HelmError as error:
            found = {"error": str(error)}
        print(json.dumps(found), flush=True)


def metadata(_arguments) -> None:
    """Of packages that come on stdin in base64, a line each: Helm's metadata, or why it loads none, as a line of JSON."""
    for line in sys.stdin:
        try:
            with helm.Chart.load_archive(base64.b64decode(line)) as chart:
                found = {"metadata": chart.metadata}
        except helm.HelmError as error:
            found = {"error": str(error)}
        print(json.dumps(found), flush=True)


def many(_arguments) -> None:
    """Of command lines that come on stdin, a JSON array each: what they end with and print, as a line of JSON."""
    for line in sys.stdin:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(json.loads(line))
        print(json.dumps({"code": code, "stdout": out.getvalue(), "stderr": err.getvalue()}), flush=True)


def tags(arguments) -> None:
    where = arguments.chart.removeprefix("oci://")
    for tag in client(arguments, where).tags(where):
        print(tag)


def resolve(arguments) -> None:
    where = arguments.chart.removeprefix("oci://")
    print(client(arguments, where).resolve(where)["digest"])


def login(arguments) -> None:
    password = sys.stdin.readline().rstrip("\r\n")
    client(arguments, arguments.host).login(
        arguments.host,
        arguments.username,
        password,
        insecure=arguments.insecure_skip_tls_verify,
        plain_http=plain_http(arguments, arguments.host),
    )
    print("Login Succeeded")


def logout(arguments) -> None:
    client(arguments, arguments.host).logout(arguments.host)


def dependency(arguments) -> None:
    act = {"update": helm.dependency_update, "build": helm.dependency_build}[arguments.action]
    act(arguments.chart, plain_http=bool(arguments.plain_http))


def verify(arguments) -> None:
    print(json.dumps(helm.verify(arguments.chart, arguments.keyring)))


if __name__ == "__main__":
    sys.exit(main())
