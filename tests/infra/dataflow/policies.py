"""What Terraform would set up, against policies; collected by `make test-dataflow` alone.

No provider is needed: the files are parsed, and what stands in them is judged.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import hcl2  # type: ignore[import-not-found]  # only in the folder of `make test-dataflow`
import pytest

from tests.support.documents import ROOT

FOLDER = ROOT / "infra" / "dataflow" / "terraform"
Resources = dict[tuple[str, str], dict[str, Any]]

# Roles that give more than a run needs: on everything, on who may do what, or on all buckets.
BROAD = re.compile(r"roles/(owner|editor|viewer|.*[aA]dmin)$")
ALLOWED = {
    "roles/dataflow.worker",
    "roles/storage.objectUser",
    "roles/storage.bucketViewer",
    "roles/artifactregistry.reader",
}
ANYONE = re.compile(r"allUsers|allAuthenticatedUsers")
KEY = re.compile(r"private_key|BEGIN [A-Z ]*KEY|password|secret", re.IGNORECASE)


def plain(value: Any) -> Any:
    """Values without the quotes and the marks of the parser."""
    if isinstance(value, dict):
        return {plain(k): plain(v) for k, v in value.items() if not k.startswith("__")}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.strip('"') if isinstance(value, str) else value


def parsed(text: str) -> Resources:
    """Resources by type and name."""
    blocks = plain(hcl2.loads(text)).get("resource", [])
    return {
        (kind, name): body
        for block in blocks
        for kind, named in block.items()
        for name, body in named.items()
    }


def all_text() -> str:
    return "\n".join(path.read_text() for path in sorted(FOLDER.glob("*.tf")))


@pytest.fixture(scope="module")
def resources() -> Resources:
    return parsed(all_text())


def of(resources: Resources, kind: str) -> Iterator[dict[str, Any]]:
    return (body for (found, _), body in resources.items() if found == kind)


def grants_too_much(resources: Resources) -> list[str]:
    """Roles that are broad or unknown, and members that are anyone."""
    found = [body for (kind, _), body in resources.items() if "_iam_" in kind]
    wrong = [b["role"] for b in found if BROAD.search(b["role"]) or b["role"] not in ALLOWED]
    members = [str(body.get("member", body.get("members"))) for body in found]
    return wrong + [member for member in members if ANYONE.search(member)]


def replaces_what_others_granted(resources: Resources) -> list[str]:
    """A `policy` or a `binding` takes from everybody else what they have been granted."""
    return [kind for kind, _ in resources if kind.endswith(("_iam_policy", "_iam_binding"))]


def open_buckets(resources: Resources) -> list[str]:
    return [
        body["name"]
        for body in of(resources, "google_storage_bucket")
        if body.get("uniform_bucket_level_access") is not True
        or body.get("public_access_prevention") != "enforced"
    ]


def public_workers(resources: Resources) -> list[str]:
    jobs = of(resources, "google_dataflow_flex_template_job")
    found = [b["name"] for b in jobs if b.get("ip_configuration") != "WORKER_IP_PRIVATE"]
    machines = [name for kind, name in resources if kind.startswith("google_compute_instance")]
    return found + machines


def open_to_the_web(resources: Resources) -> list[str]:
    rules = (b for b in of(resources, "google_compute_firewall") if b.get("allow"))
    return [b["name"] for b in rules if "0.0.0.0/0" in str(b) or not restricted(b)]


def restricted(rule: dict[str, Any]) -> bool:
    """Whether a rule names who is let in, or where to, and the ports."""
    ends = rule.get("source_tags") or rule.get("destination_ranges") or rule.get("source_ranges")
    return bool(ends) and all(one.get("ports") for one in rule["allow"])


def standing_accounts(resources: Resources) -> list[str]:
    """Jobs without an account of their own run as the project's, which is an editor."""
    jobs = of(resources, "google_dataflow_flex_template_job")
    keys = [name for kind, name in resources if kind == "google_service_account_key"]
    return keys + [
        body["name"]
        for body in jobs
        if "google_service_account." not in str(body.get("service_account_email"))
    ]


# A policy and a resource that breaks it.
POLICIES: list[tuple[Callable[[Resources], list[str]], str]] = [
    (
        grants_too_much,
        'resource "google_project_iam_member" "x" {\n role = "roles/editor"\n member = "user:a"\n}',
    ),
    (
        grants_too_much,
        'resource "google_storage_bucket_iam_member" "x" {\n role = "roles/storage.admin"\n '
        'member = "user:a"\n}',
    ),
    (
        grants_too_much,
        'resource "google_storage_bucket_iam_member" "x" {\n role = "roles/storage.objectUser"\n '
        'member = "allUsers"\n}',
    ),
    (
        replaces_what_others_granted,
        'resource "google_project_iam_binding" "x" {\n role = "roles/dataflow.worker"\n}',
    ),
    (
        open_buckets,
        'resource "google_storage_bucket" "x" {\n name = "b"\n '
        'public_access_prevention = "enforced"\n}',
    ),
    (
        public_workers,
        'resource "google_dataflow_flex_template_job" "x" {\n name = "j"\n}',
    ),
    (
        open_to_the_web,
        'resource "google_compute_firewall" "x" {\n name = "f"\n source_ranges = ["0.0.0.0/0"]\n '
        'allow {\n protocol = "tcp"\n ports = ["22"]\n }\n}',
    ),
    (
        open_to_the_web,
        'resource "google_compute_firewall" "x" {\n name = "f"\n source_tags = ["a"]\n '
        'allow {\n protocol = "tcp"\n }\n}',
    ),
    (
        standing_accounts,
        'resource "google_dataflow_flex_template_job" "x" {\n name = "j"\n}',
    ),
]


@pytest.mark.parametrize(("policy", "planted"), POLICIES)
def test_a_policy_holds_and_a_breach_of_it_is_found(resources, policy, planted):
    assert policy(resources) == []
    assert policy(parsed(planted)) != []


def test_all_parts_are_there(resources):
    assert {kind for kind, _ in resources} >= {
        "google_storage_bucket",
        "google_service_account",
        "google_artifact_registry_repository",
        "google_compute_network",
        "google_compute_router_nat",
        "google_storage_bucket_object",
        "google_dataflow_flex_template_job",
        "google_billing_budget",
    }


def test_what_is_temporary_is_removed_and_a_run_is_not(resources):
    (bucket,) = of(resources, "google_storage_bucket")
    deleting = [
        rule["condition"][0]
        for rule in bucket["lifecycle_rule"]
        if rule["action"][0]["type"] == "Delete"
    ]
    assert [one["matches_prefix"] for one in deleting] == [["temp/", "staging/"]]
    (job,) = of(resources, "google_dataflow_flex_template_job")
    places = {job["temp_location"], job["staging_location"]}
    assert {place.rpartition("/")[2] + "/" for place in places} == set(
        deleting[0]["matches_prefix"]
    )


def test_the_network_gives_no_machine_a_public_address(resources):
    (network,) = of(resources, "google_compute_network")
    (part,) = of(resources, "google_compute_subnetwork")
    (gateway,) = of(resources, "google_compute_router_nat")
    assert network["auto_create_subnetworks"] is False
    assert part["private_ip_google_access"] is True
    assert gateway["nat_ip_allocate_option"] == "MANUAL_ONLY"
    denied = [b for b in of(resources, "google_compute_firewall") if b.get("deny")]
    assert {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"} <= set(denied[0]["destination_ranges"])


def test_a_worker_may_do_these_things_and_no_others(resources):
    grants = [body["role"] for (kind, _), body in resources.items() if "_iam_" in kind]
    assert sorted(grants) == sorted(ALLOWED)
    project_wide = [b["role"] for b in of(resources, "google_project_iam_member")]
    assert project_wide == ["roles/dataflow.worker"]


def test_the_budget_tells_before_it_is_spent(resources):
    (budget,) = of(resources, "google_billing_budget")
    assert [rule["threshold_percent"] for rule in budget["threshold_rules"]] == [0.5, 0.9, 1.0]


def test_the_job_is_given_the_parameters_of_the_template(resources):
    metadata = json.loads((FOLDER.parent / "metadata.json").read_text())
    required = {p["name"] for p in metadata["parameters"] if not p["isOptional"]}
    (job,) = of(resources, "google_dataflow_flex_template_job")
    assert set(job["parameters"]) == required


def test_images_are_named_by_digest():
    assert r"@sha256:[0-9a-f]{64}$" in (FOLDER / "variables.tf").read_text()
    assert "immutable_tags = true" in (FOLDER / "registry.tf").read_text()


def test_no_secret_is_written_down():
    assert KEY.search(all_text()) is None


def test_every_variable_is_described_and_used():
    text = all_text()
    variables = plain(hcl2.loads((FOLDER / "variables.tf").read_text()))["variable"]
    for variable in variables:
        for name, body in variable.items():
            assert body["description"].endswith("."), name
            assert re.search(rf"\bvar\.{name}\b", text), name


@pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform comes in no package")
def test_the_files_are_formatted():
    command = ["terraform", "fmt", "-check", "-diff", str(FOLDER)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (0, "")
