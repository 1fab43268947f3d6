"""Where the model stages keep their files, below the run directory."""

DVAE = "dvae/dvae.safetensors"
BPE = "bpe/bpe.json"
PRIOR = "prior/prior.safetensors"
HISTORY = "prior/history.json"
SAMPLES_TABLE = "samples/samples.parquet"
SAMPLES_PICTURE = "samples/samples.png"
