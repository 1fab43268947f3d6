"""A profile is read from a name, a path or a URL, and says only what its runner takes."""

from uuid import uuid4

import pytest

from dalle_model import files
from orchestration.beam.profile import ProfileError, known_profiles, load_profile


def written(tmp_path, text: str) -> str:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return str(path)


def test_the_bundled_ones_have_the_names_of_runners():
    assert known_profiles() == ["dataflow", "flink", "local", "portable", "prism"]
    for name in known_profiles():
        assert load_profile(name).runner == name


def test_a_profile_is_a_file_on_a_disk_or_in_a_store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    written(tmp_path, "runner: local\nworkers: 3\n")
    url = f"memory://{uuid4().hex}/mine.yaml"
    files.write_bytes(url, b"runner: local\nworkers: 4\n")
    assert load_profile("mine.yaml").workers == 3
    assert load_profile("./mine.yaml").workers == 3
    assert load_profile(url).workers == 4
    files.remove(url)


def test_the_path_of_a_jar_counts_from_the_profile(tmp_path):
    path = written(tmp_path, "runner: flink\nflink_job_server_jar: jars/server.jar\n")
    assert load_profile(path).flink_job_server_jar == str(tmp_path / "jars/server.jar")


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ProfileError, match="no profile 'flnik'; did you mean `flink`"):
        load_profile("flnik")
    with pytest.raises(ProfileError, match=r"known are dataflow, flink, local, portable, prism"):
        load_profile("xyzzy")
    with pytest.raises(ProfileError, match=r"cannot read the profile: .* name one with --profile"):
        load_profile("none/x.yaml")


FLINK = "runner: flink\n"
DOCKER = "environment: {type: DOCKER}\n"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("workers: 2\n", 1, "runner: is required"),
        ("runner: spark\n", 1, "runner: Input should be 'local'"),
        ("- local\n", 1, "a profile names a `runner`"),
        (FLINK + "job_endpiont: h:1\n", 2, "unknown setting; did you mean `job_endpoint`"),
        (FLINK + "environment: {typ: DOCKER}\n", 2, "environment.typ: unknown setting"),
        (FLINK + "environment: {type: docker}\n", 2, "environment.type: Input should be 'PROCESS'"),
        (FLINK + "environment: {type: PROCESS}\n", 2, "`command` goes with PROCESS, and PROCESS"),
        (FLINK + "environment: {type: PROCESS, command: boot}\n", 2, "must be an absolute path"),
        (FLINK + "environment: {type: LOOPBACK, address: 'h:1'}\n", 2, "`address` goes with EXT"),
        (FLINK + DOCKER, 1, "`image` goes with the environment DOCKER, which needs it"),
        (FLINK + "image: 'i:1'\n", 1, "`image` goes with the environment DOCKER"),
        (FLINK + "flink_version: 1.19\n", 2, "flink_version: Input should be a valid string"),
        (FLINK + "parallelism: 0\n", 2, "parallelism: Input should be greater than or equal to 1"),
        (FLINK + "parallelism: true\n", 2, "parallelism: Input should be a valid integer"),
        (FLINK + "region: europe-west4\n", 1, "`region` is not of flink, which takes artifact_end"),
        (FLINK + "options: {s3_secret_access_key: x}\n", 2, "`s3_secret_access_key` is a secret"),
        (
            FLINK + "options: {object_reuse: false}\n",
            2,
            "`object_reuse`: an option without a value",
        ),
        ("runner: dataflow\nworkers_per_machine: 2\n", 1, "`workers_per_machine` of dataflow is 1"),
    ],
)
def test_what_is_wrong_has_its_line(tmp_path, text, line, message):
    path = written(tmp_path, text)
    with pytest.raises(ProfileError) as caught:
        load_profile(path)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert message in str(caught.value)
