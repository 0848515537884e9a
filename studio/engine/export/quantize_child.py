"""Quantizes a GGUF file: `python -m studio.engine.export.quantize_child SOURCE OUT FILE_TYPE THREADS`."""

import ctypes
import sys

import llama_cpp

from studio.engine.engines import die_with_parent, leave, report_to_parent


def main() -> int:
    source, out, file_type, threads = sys.argv[1:]
    die_with_parent()
    options = llama_cpp.llama_model_quantize_default_params()
    options.ftype = int(file_type)
    options.nthread = int(threads)
    code = llama_cpp.llama_model_quantize(source.encode(), out.encode(), ctypes.byref(options))
    report_to_parent({"out": out} if code == 0 else {"error": f"llama.cpp could not quantize the model (code {code})."})
    return int(code != 0)


if __name__ == "__main__":
    leave(main())
