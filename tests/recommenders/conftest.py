"""One thread: the matrices are tiny, and the time goes into waking a second one."""

import torch

torch.set_num_threads(1)
