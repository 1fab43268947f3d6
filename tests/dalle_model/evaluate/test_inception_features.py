import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.nn import functional

from dalle_model.evaluate.features import Classifier, FeaturesError, load_features
from dalle_model.evaluate.inception import Inception
from dalle_model.evaluate.inception_features import CONVENTIONS, InceptionFeatures
from dalle_model.threads import pinned_kernels

SMALL, LARGE = (
    np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    for seed, shape in enumerate([(64, 80, 3), (340, 310, 3)])
)


def randomised(model):
    """With norms, so that activations neither die nor grow."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.get_buffer("running_mean"), -0.1, 0.1)
            nn.init.uniform_(module.get_buffer("running_var"), 0.1, 0.3)
            nn.init.uniform_(module.bias, -0.1, 0.2)
    return model.eval()


@pytest.fixture(scope="module")
def of_2015(tmp_path_factory):
    """A file in the form of `pt_inception-2015-12-05`."""
    path = tmp_path_factory.mktemp("inception") / "fid.pth"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        state = randomised(Inception(1008, True)).state_dict()
    kept = {name: v for name, v in state.items() if not name.endswith("num_batches_tracked")}
    torch.save(kept, path)
    return path


def planes(image):
    return torch.from_numpy(image).permute(2, 0, 1)[None]


@pytest.mark.filterwarnings("ignore")
def test_the_network_of_2015_is_that_of_torch_fidelity(of_2015):
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    ours = load_features(f"inception-tf@{of_2015}")
    assert isinstance(ours, Classifier)
    counters = {
        name: torch.tensor(0)
        for name in Inception(1008, True).state_dict()
        if name.endswith("num_batches_tracked")
    }
    whole = of_2015.with_name("whole.pth")
    torch.save(torch.load(of_2015) | counters, whole)
    peer = FeatureExtractorInceptionV3("x", ["2048", "logits_unbiased"], str(whole))
    with pinned_kernels():  # several threads sum in another order
        vector, logits = peer(planes(SMALL))
    found = ours.features([LARGE, SMALL])
    assert 0.01 < found.std() < 100
    np.testing.assert_allclose(found[1], vector[0], rtol=1e-6)
    np.testing.assert_allclose(ours.logits_of(found)[1], logits[0], rtol=1e-5, atol=1e-5)
    assert np.array_equal(ours.features([SMALL])[0], found[1]), "a vector has no neighbours"


@pytest.mark.filterwarnings("ignore")
def test_the_other_network_is_that_of_torchvision(tmp_path):
    import torchvision

    with torch.random.fork_rng():
        torch.manual_seed(0)
        peer = randomised(torchvision.models.Inception3(transform_input=True, init_weights=False))
    torch.save(peer.state_dict(), tmp_path / "imagenet.pth")
    ours = InceptionFeatures("inception-torchvision", str(tmp_path / "imagenet.pth"))
    read = torchvision.transforms.Compose(
        [torchvision.transforms.Resize((299, 299)), torchvision.transforms.ToTensor()]
    )
    with torch.no_grad(), pinned_kernels():
        theirs = peer(read(Image.fromarray(LARGE))[None])
    np.testing.assert_allclose(ours.logits([LARGE]), theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("image", [SMALL, LARGE], ids=["up", "down"])
def test_images_are_scaled_as_the_others_do(image):
    from cleanfid.resize import make_resizer
    from torch_fidelity.interpolate_compat_tensorflow import (
        interpolate_bilinear_2d_like_tensorflow1x as of_tensorflow,
    )

    size, pixels = (299, 299), planes(image).float()
    squashed = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR))
    clean = make_resizer("PIL", False, "bicubic", size)(image)
    unit = functional.interpolate(pixels / 255, size, mode="bilinear", align_corners=False)
    theirs = {
        "inception-fid": 2 * unit - 1,
        "inception-clean": (planes(clean) - 128) / 128,
        "inception-tf": (of_tensorflow(pixels, size, align_corners=False) - 128) / 128,
        "inception-is": (planes(squashed.copy()).float() - 128) / 128,
    }
    for name, expected in theirs.items():
        found = CONVENTIONS[name].prepare(image)
        np.testing.assert_allclose(found, expected, atol=1e-6, err_msg=name)


def test_conventions_of_one_file_differ_in_their_facts(of_2015):
    names = ["inception-fid", "inception-clean"]
    one, other = (load_features(f"{name}@{of_2015}").facts for name in names)
    assert (one.sha256, one.dim, one.input_size) == (other.sha256, 2048, (299, 299))
    assert one.resize != other.resize


def test_weights_of_the_other_network_are_refused(of_2015):
    with pytest.raises(FeaturesError, match=r"another network.*fc.bias.*1008.*1000"):
        load_features(f"inception-torchvision@{of_2015}")
