"""min-dalle's modules (kuprel/min-dalle, PyPI 0.4.11), which ours are compared with.

Its package sets torch's threads and turns gradients off in the whole process as it is imported;
here both are put back.
"""

import torch

_before = torch.get_num_threads(), torch.is_grad_enabled()
from min_dalle.models.dalle_bart_decoder import DalleBartDecoder as DalleBartDecoder  # noqa: E402
from min_dalle.models.dalle_bart_encoder import DalleBartEncoder as DalleBartEncoder  # noqa: E402
from min_dalle.models.vqgan_detokenizer import VQGanDetokenizer as VQGanDetokenizer  # noqa: E402
from min_dalle.text_tokenizer import TextTokenizer as TextTokenizer  # noqa: E402

torch.set_num_threads(_before[0])
torch.set_grad_enabled(_before[1])
