from types import SimpleNamespace

import numpy as np
import pytest
import torch

from dalle_model.evaluate.features import FeaturesError
from dalle_model.evaluate.lpips import alexnet, load_lpips, vgg16

RNG = np.random.default_rng(0)
ONE, OTHER = RNG.integers(0, 256, (2, 2, 64, 72, 3), np.uint8)
WIDTHS = {"alex": (64, 192, 384, 256, 256), "vgg": (64, 128, 256, 512, 512)}
MADE = {"alex": alexnet, "vgg": vgg16}


@pytest.fixture(scope="module", params=["alex", "vgg"])
def published(request, tmp_path_factory):
    """Files of random weights in the form of the published ones; their network and linear ones."""
    kind, folder = request.param, tmp_path_factory.mktemp(request.param)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layers = MADE[kind]()
        linear = {
            f"lin{n}.model.1.weight": torch.rand(1, width, 1, 1)
            for n, width in enumerate(WIDTHS[kind])
        }
    state = {f"features.{name}": value for name, value in layers.state_dict().items()}
    torch.save(state | {"classifier.6.bias": torch.zeros(3)}, folder / "net.pth")
    torch.save(linear, folder / "lin.pth")
    name = f"lpips@{folder / 'net.pth'},{folder / 'lin.pth'}"
    return SimpleNamespace(kind=kind, name=name, layers=layers, linear=linear)


def naive(published, one, other):
    """The formula, position by position."""
    tapped: tuple[list[torch.Tensor], ...] = ([], [])
    for kept, image in zip(tapped, (one, other), strict=True):
        x = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
        mean, std = (torch.tensor(v).reshape(1, 3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
        x = (x - mean) / std
        for layer, after in zip(published.layers, [*[*published.layers][1:], None], strict=True):
            x = layer(x)
            ends = isinstance(after, torch.nn.MaxPool2d) or after is None
            if isinstance(layer, torch.nn.ReLU) and (ends or published.kind == "alex"):
                kept.append(x[0] / (x[0].norm(dim=0) + 1e-10))
    total = 0.0
    for a, b, weight in zip(*tapped, published.linear.values(), strict=True):
        total += float(((a - b) ** 2 * weight[0]).sum(dim=0).mean())
    return total


IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@torch.no_grad()
def test_as_the_formula(published):
    found = load_lpips(published.name).distances(ONE, OTHER)
    expected = [naive(published, one, other) for one, other in zip(ONE, OTHER, strict=True)]
    assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("published", ["vgg"], indirect=True)
def test_as_torch_fidelity(published, monkeypatch):
    from torch_fidelity import sample_similarity_lpips as peer

    network = SimpleNamespace(features=published.layers)
    monkeypatch.setattr(peer, "load_state_dict_from_url", lambda *_, **__: published.linear)
    monkeypatch.setattr(peer, "torchvision_load_pretrained_vgg16", lambda: network)
    tensors = [torch.from_numpy(images).permute(0, 3, 1, 2) for images in (ONE, OTHER)]
    theirs = peer.SampleSimilarityLPIPS("lpips")(*tensors).flatten().tolist()
    assert load_lpips(published.name).distances(ONE, OTHER) == pytest.approx(theirs, rel=1e-5)


@pytest.mark.filterwarnings("ignore")
def test_layers_are_those_of_torchvision(published):
    import torchvision

    with torch.device("meta"):
        peer = getattr(torchvision.models, {"alex": "alexnet", "vgg": "vgg16"}[published.kind])()
    theirs = str(peer.features[: len(published.layers)])
    assert str(published.layers) == theirs.replace("inplace=True", "")


def test_equal_images_are_0_and_each_is_judged_alone(published):
    judge = load_lpips(published.name)
    assert judge.distances(ONE, ONE).tolist() == [0, 0]
    assert judge.distances(ONE[1:], OTHER[1:])[0] == judge.distances(ONE, OTHER)[1]
    with pytest.raises(ValueError, match="cannot compare"):
        judge.distances(ONE, OTHER[:1])


def test_weights_of_something_else_are_refused(published, tmp_path):
    net, linear = published.name.removeprefix("lpips@").split(",")
    with pytest.raises(FeaturesError, match=r"net.pth does not hold the linear weights"):
        load_lpips(f"lpips@{net},{net}")
    with pytest.raises(FeaturesError, match=r"lin.pth holds weights of another network"):
        load_lpips(f"lpips@{linear},{linear}")
    with pytest.raises(FeaturesError, match="no file at"):
        load_lpips(f"lpips@{tmp_path / 'none'},{linear}")
    with pytest.raises(FeaturesError, match=r"it is named as `lpips@vgg16.pth,vgg.pth`"):
        load_lpips(f"lpips@{net}")
