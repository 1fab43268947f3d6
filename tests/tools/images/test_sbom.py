import json
import re

from tests.support.documents import ROOT
from tools.images.lock import Pin, read_pins
from tools.images.sbom import main, sbom

LINUX = {"sys_platform": "linux", "platform_machine": "x86_64"}
A = "a" * 64


def pin(name: str, marker: str = "") -> Pin:
    return Pin(name, "1.0+cpu", marker, (A,), ())


def test_a_package_has_its_url_and_hashes():
    document = sbom("dalle", "0.1.0", [pin("alpha")], LINUX)
    assert document["components"] == [
        {
            "type": "library",
            "bom-ref": "pkg:pypi/alpha@1.0%2Bcpu",
            "name": "alpha",
            "version": "1.0+cpu",
            "purl": "pkg:pypi/alpha@1.0%2Bcpu",
            "hashes": [{"alg": "SHA-256", "content": A}],
        }
    ]
    assert document["metadata"]["component"]["purl"] == "pkg:pypi/dalle@0.1.0"
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")


def test_what_is_not_installed_on_the_machine_is_not_in_it():
    pins = [pin("alpha", "sys_platform == 'win32'"), pin("beta", "sys_platform == 'linux'")]
    names = [one["name"] for one in sbom("dalle", "0.1.0", pins, LINUX)["components"]]
    assert names == ["beta"]


def test_the_same_pins_in_any_order_are_the_same_bytes():
    pins = [pin("beta"), pin("alpha")]
    one, other = (sbom("d", "0", p, LINUX) for p in (pins, pins[::-1]))
    assert json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", one["serialNumber"])
    assert one["serialNumber"] != sbom("d", "0", pins[:1], LINUX)["serialNumber"]


def test_the_command_lists_the_lock_and_what_google_needs(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    files = ["requirements.txt", "infra/images/requirements-gcp.txt"]
    assert main(files) == 0
    first = capsys.readouterr().out
    names = [one["name"] for one in json.loads(first)["components"]]
    assert names == sorted(set(names))
    assert {"apache-beam", "pillow", "gcsfs", "torch"} <= set(names)
    assert set(names) <= {p.name for f in files for p in read_pins((ROOT / f).read_text())}
    main(files)
    assert capsys.readouterr().out == first
