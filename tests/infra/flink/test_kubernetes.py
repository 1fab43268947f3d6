"""The manifests of Flink on Kubernetes: who may do and reach what, and that it fits together."""

import ipaddress
import subprocess
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestration.beam.options import check_options
from tests.support.crd import problems
from tools.flink.cluster import CONFIG
from tools.flink.packages import hash_of
from tools.flink.versions import INFRA, versions

FOLDER = INFRA / "kubernetes"
ROOT = INFRA.parents[1]
POOL_PORT = 50000
# Addresses that no pod may ask: by these clouds give out credentials of the machine below.
METADATA = [
    ipaddress.ip_address(a) for a in ("169.254.169.254", "169.254.170.2", "100.100.100.200")
]

Object = dict[str, Any]


def objects(kind: str | None = None) -> list[Object]:
    names = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["resources"]
    found = [one for name in names for one in yaml.safe_load_all((FOLDER / name).read_text())]
    return [one for one in found if kind in {None, one["kind"]}]


def named(kind: str, name: str) -> Object:
    (found,) = [one for one in objects(kind) if one["metadata"]["name"] == name]
    return found


FLINK = named("FlinkDeployment", "flink")
SETTINGS = FLINK["spec"]["flinkConfiguration"]


def pods() -> dict[str, Object]:
    """The pods of all manifests by name, those of Flink as the operator puts them together."""
    common = FLINK["spec"]["podTemplate"]["spec"]
    own = FLINK["spec"]["taskManager"]["podTemplate"]["spec"]
    both = {key: common.get(key, []) + own.get(key, []) for key in ("containers", "volumes")}
    return {
        "jobmanager": common,
        "taskmanager": common | own | both,
        "job-server": named("Deployment", "job-server")["spec"]["template"]["spec"],
        "driver": named("Job", "driver")["spec"]["template"]["spec"],
    }


def labels(pod: str) -> dict[str, str]:
    if pod in {"jobmanager", "taskmanager"}:  # Source: the operator, as Flink's own clients do
        return {"app": "flink", "component": pod}
    kind = "Job" if pod == "driver" else "Deployment"
    return named(kind, pod)["spec"]["template"]["metadata"]["labels"]


CONTAINERS = [(pod, one) for pod, spec in pods().items() for one in spec["containers"]]
IDS = [f"{pod}/{one['name']}" for pod, one in CONTAINERS]


def matches(selector: Object, of_pod: dict[str, str]) -> bool:
    wanted = selector.get("matchLabels", {})
    chosen = selector.get("matchExpressions", [])
    assert {one["operator"] for one in chosen} <= {"In"}
    return all(of_pod.get(k) == v for k, v in wanted.items()) and all(
        of_pod.get(one["key"]) in one["values"] for one in chosen
    )


def policies(pod: str) -> list[Object]:
    found = [policy["spec"] for policy in objects("NetworkPolicy")]
    return [spec for spec in found if matches(spec["podSelector"], labels(pod))]


def test_every_file_is_taken_up_and_every_object_has_a_name():
    assert {path.name for path in FOLDER.glob("*.yaml")} == {
        *yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["resources"],
        "kustomization.yaml",
        "dalle.yaml",
    }
    assert all(one["apiVersion"] and one["kind"] and one["metadata"]["name"] for one in objects())


@pytest.mark.parametrize("pod", pods())
def test_no_pod_runs_as_root_or_may_ask_kubernetes(pod):
    spec = pods()[pod]
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not any(spec.get(key) for key in ("hostNetwork", "hostPID", "hostIPC"))
    assert [v for v in spec["volumes"] if set(v) - {"name"} - {"emptyDir", "configMap"}] == []
    assert objects("Role") == objects("ClusterRole") == objects("RoleBinding") == []


@pytest.mark.parametrize(("pod", "container"), CONTAINERS, ids=IDS)
def test_no_container_gains_rights(pod, container):
    context = container["securityContext"]
    assert context["allowPrivilegeEscalation"] is False
    assert context["capabilities"] == {"drop": ["ALL"]}
    if container["name"] != "flink-main-container":  # Flink's start writes its config beside itself
        assert context["readOnlyRootFilesystem"] is True


@pytest.mark.parametrize(("pod", "container"), CONTAINERS, ids=IDS)
def test_resources_are_set(pod, container):
    if container["name"] == "flink-main-container":  # the operator sets them
        resource = FLINK["spec"]["jobManager" if pod == "jobmanager" else "taskManager"]["resource"]
        assert set(resource) == {"memory", "cpu"}
        return
    resources = container["resources"]
    assert set(resources["requests"]) == {"cpu", "memory"}
    assert resources["limits"]["memory"] == resources["requests"]["memory"]


def test_disks_that_pods_fill_are_bounded_and_go_with_them():
    for spec in pods().values():
        assert all(v["emptyDir"]["sizeLimit"] for v in spec["volumes"] if "emptyDir" in v)
    mounts = FLINK["spec"]["podTemplate"]["spec"]["containers"][0]["volumeMounts"]
    assert SETTINGS["io.tmp.dirs"] in {mount["mountPath"] for mount in mounts}


@pytest.mark.parametrize("pod", pods())
def test_nothing_is_reached_or_let_in_that_no_policy_names(pod):
    assert {kind for spec in policies(pod) for kind in spec["policyTypes"]} == {"Ingress", "Egress"}
    for spec in policies(pod):
        assert all(rule["to"] and rule["ports"] for rule in spec.get("egress", []))
        assert all(rule["from"] and rule["ports"] for rule in spec.get("ingress", []))


def reachable(spec: Object, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether a policy lets a pod out to an address."""
    blocks = [
        to["ipBlock"]
        for rule in spec.get("egress", [])
        for to in rule.get("to", [{}])
        if "ipBlock" in to
    ]
    if any("to" not in rule for rule in spec.get("egress", [])):
        return True  # no `to` is everywhere
    return any(
        address in ipaddress.ip_network(block["cidr"])
        and not any(address in ipaddress.ip_network(one) for one in block.get("except", []))
        for block in blocks
    )


@pytest.mark.parametrize("address", METADATA, ids=str)
@pytest.mark.parametrize("pod", pods())
def test_the_address_that_gives_out_credentials_is_closed(pod, address):
    assert not any(reachable(spec, address) for spec in policies(pod))


def test_the_public_web_is_open_to_those_that_fetch_and_keep():
    public = ipaddress.ip_address("93.184.216.34")
    out = {pod for pod in pods() if any(reachable(spec, public) for spec in policies(pod))}
    assert out == {"jobmanager", "taskmanager", "driver"}


@pytest.mark.parametrize(
    "rule", [{"ports": [{"port": 443}]}, {"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}]
)
def test_a_planted_hole_is_seen(rule):
    assert reachable({"egress": [rule]}, METADATA[0])


def allowed_in(pod: str, source: str) -> set[int]:
    """The ports of a pod that a pod of this namespace may ask."""
    return {
        port["port"]
        for spec in policies(pod)
        for rule in spec.get("ingress", [])
        if any(
            matches(one["podSelector"], labels(source))
            for one in rule["from"]
            if "podSelector" in one
        )
        for port in rule["ports"]
    }


def test_pools_are_reached_inside_their_pod_alone():
    assert all(POOL_PORT not in allowed_in(pod, source) for pod in pods() for source in pods())
    (pool,) = [one for _, one in CONTAINERS if one.get("args") == ["--worker_pool"]]
    assert pool in pods()["taskmanager"]["containers"]


def test_the_driver_alone_may_give_a_job():
    service = {port["port"] for port in named("Service", "job-server")["spec"]["ports"]}
    assert allowed_in("job-server", "driver") == service == {8098, 8099}
    assert 8099 not in allowed_in("job-server", "taskmanager")
    assert 8081 in allowed_in("jobmanager", "job-server")
    assert allowed_in("jobmanager", "driver") == set()


def driver_options() -> dict[str, str]:
    _, *arguments = pods()["driver"]["containers"][0]["args"]
    return dict(argument.removeprefix("--").split("=", 1) for argument in arguments)


def test_the_driver_asks_for_what_there_is():
    options = driver_options()
    ours = {"config", "dir"}
    check_options([f"--{k}={v}" for k, v in options.items() if k not in ours])
    assert options["job_endpoint"] == "job-server:8099"
    assert options["artifact_endpoint"] == "job-server:8098"
    assert options["environment_config"] == f"localhost:{POOL_PORT}"
    slots = (
        int(SETTINGS["taskmanager.numberOfTaskSlots"]) * FLINK["spec"]["taskManager"]["replicas"]
    )
    assert int(options["parallelism"]) == slots
    mounted = pods()["driver"]["containers"][0]["volumeMounts"][0]["mountPath"]
    assert Path(options["config"]) == Path(mounted) / "dalle.yaml"


def test_a_lost_worker_is_made_up_for_as_in_the_local_cluster():
    local = yaml.safe_load((CONFIG / "config.yaml").read_text())["restart-strategy"]
    assert SETTINGS["restart-strategy.type"] == local["type"] == "fixed-delay"
    attempts = SETTINGS["restart-strategy.fixed-delay.attempts"]
    assert int(attempts) == local["fixed-delay"]["attempts"]


def test_versions_are_those_of_the_one_file():
    pinned = versions()
    flink, sdk = pinned["flink"]["version"], pinned["beam"]["sdk"]
    short = flink.rpartition(".")[0]
    images = {one["name"]: one.get("image") for _, one in CONTAINERS}
    assert FLINK["spec"]["image"] == f"flink:{flink}-scala_2.12-java{pinned['java']['release']}"
    assert FLINK["spec"]["flinkVersion"] == "v" + short.replace(".", "_")
    assert images["job-server"] == f"apache/beam_flink{short}_job_server:{sdk}"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert f"apache-beam=={sdk}" in project["optional-dependencies"]["data"]
    assert images["harness"] == images["driver"] == f"dalle-worker:{project['version']}"
    pom = (INFRA / "job-server" / "pom.xml").read_text()
    assert f"beam-runners-flink-{short}<" in pom
    assert pinned["prism"]["version"] == sdk


@pytest.fixture(scope="module")
def schema(tmp_path_factory) -> Object:
    """The schema of the `spec` of a FlinkDeployment, from the operator's jar in Maven Central."""
    folder, pinned = tmp_path_factory.mktemp("operator"), versions()["operator"]
    artifact = f"org.apache.flink:flink-kubernetes-operator-api:{pinned['version']}"
    maven = [
        "mvn",
        "--quiet",
        "--batch-mode",
        "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy",
    ]
    command = [*maven, f"-Dartifact={artifact}", f"-DoutputDirectory={folder}"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=180, cwd=folder)
    assert result.returncode == 0, result.stdout + result.stderr
    (jar,) = folder.glob("*.jar")
    assert hash_of(jar) == pinned["sha256"]
    with zipfile.ZipFile(jar) as archive:
        text = archive.read("META-INF/fabric8/flinkdeployments.flink.apache.org-v1.yml")
    whole = yaml.safe_load(text)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return whole["properties"]["spec"]


@pytest.mark.flink
def test_the_deployment_is_as_its_schema_says(schema):
    assert problems(FLINK["spec"], schema) == []


@pytest.mark.flink
@pytest.mark.parametrize("pod", ["job-server", "driver"])
def test_other_pods_are_as_the_schema_of_a_pod_says(schema, pod):
    of_pod = schema["properties"]["podTemplate"]["properties"]["spec"]
    assert problems(pods()[pod], of_pod) == []


@pytest.mark.flink
@pytest.mark.parametrize(
    ("place", "value"),
    [("flinkVersion", "v1_21"), ("podTemplate", {"spec": {"containrs": []}}), ("mode", 3)],
)
def test_a_planted_mistake_is_found(schema, place, value):
    assert len(problems(FLINK["spec"] | {place: value}, schema)) == 1
