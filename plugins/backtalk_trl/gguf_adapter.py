"""Writes a LoRA adapter of peft as the GGUF file that llama.cpp applies; run by the interpreter that trained it.

In: the adapter's folder, and the GGUF file of the model it belongs to. Out: `adapter.gguf` beside the adapter. The one
rule: only models whose weights llama.cpp keeps as transformers has them; those of others would have to be turned first.
"""

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

AS_THEY_ARE: Final = frozenset({"qwen2", "qwen3"})
"""Architectures whose matrices are the same in both."""
_ENDS: Final = {".lora_A.weight": "lora_a", ".lora_B.weight": "lora_b"}
_PREFIX: Final = "base_model.model."


def main() -> None:
    """Write the file of an adapter."""
    folder, model = Path(sys.argv[1]), Path(sys.argv[2])
    gguf = importlib.import_module("gguf")
    architecture, blocks = described(gguf.GGUFReader(model))
    if architecture not in AS_THEY_ARE:
        sys.exit(f"adapters of {architecture} cannot be written for llama.cpp; those of {sorted(AS_THEY_ARE)} can")
    config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    draft = folder / "adapter.gguf.draft"
    writer = gguf.GGUFWriter(draft, architecture)
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, float(config["lora_alpha"]))
    for name, values in tensors(gguf, folder, architecture, blocks):
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    draft.rename(folder / "adapter.gguf")


def described(reader: Any) -> tuple[str, int]:
    """The architecture of a model, and how many blocks it has."""
    architecture = str(reader.get_field("general.architecture").contents())
    return architecture, int(reader.get_field(f"{architecture}.block_count").contents())


def tensors(gguf: Any, folder: Path, architecture: str, blocks: int) -> Iterator[tuple[str, Any]]:
    """Every matrix of an adapter by its name in llama.cpp."""
    kind = next(one for one, name in gguf.MODEL_ARCH_NAMES.items() if name == architecture)
    names = gguf.get_tensor_name_map(kind, blocks)
    numpy = importlib.import_module("numpy")
    loaded = importlib.import_module("safetensors.numpy").load_file(folder / "adapter_model.safetensors")
    for name, values in sorted(loaded.items()):
        end = next((one for one in _ENDS if name.endswith(one)), None)
        place = names.get_name(name.removeprefix(_PREFIX).removesuffix(end)) if end else None
        if end is None or place is None:
            sys.exit(f"{name} has no place in a {architecture} of llama.cpp")
        yield f"{place}.weight.{_ENDS[end]}", values.astype(numpy.float32)


if __name__ == "__main__":
    main()
