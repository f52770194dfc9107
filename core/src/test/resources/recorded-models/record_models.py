"""Records what reference implementations make of tiny models with random weights, for RecordedModelsTest.

Writes for each case a folder as it is published (config.json, model.safetensors, ...) and case.json: inputs, a few of the
logits, and greedy ids. Random numbers come from NumPy's PCG64 by the tensor's name, so only what is asked for is stored.

    pip install torch==2.7.1 transformers==4.51.3 safetensors numpy pillow
    python record_models.py FOLDER     # FOLDER: core/src/test/resources/recorded-models

* llava-hf: LlavaForConditionalGeneration of transformers.
* llava-original: the same weights under the names of LLaVA's own code, without the vision model, which is in clip/.
* qwen2_5_vl: Qwen2_5_VLForConditionalGeneration of transformers, with several pictures, under the newer names.
* internvl-internlm2: InternLM2 has no class in transformers; here it is written from its paper (arXiv 2403.17297,
  section 2.2): the decoder of Llama with queries, keys and values of each group interleaved in one matrix. So the
  reference is transformers' LlamaForCausalLM with the matrix taken apart, fed with features of the InternViT below.
"""
import json
import os
import sys
import zlib

import numpy
import torch
from safetensors.torch import save_file
from transformers import (LlamaConfig, LlamaForCausalLM, LlavaConfig, LlavaForConditionalGeneration, Qwen2_5_VLConfig,
                          LogitsProcessorList, Qwen2_5_VLForConditionalGeneration, TemperatureLogitsWarper,
                          TopKLogitsWarper, TopPLogitsWarper)

torch.manual_seed(0)
torch.set_num_threads(1)


def values(name, shape, deviation=0.3, mean=0.0):
    random = numpy.random.Generator(numpy.random.PCG64(zlib.crc32(name.encode())))
    exact = torch.from_numpy((random.standard_normal(shape) * deviation + mean).astype(numpy.float32))
    return exact.to(torch.bfloat16).to(torch.float32)  # stored as such, computed with in float32


def fill(model):
    for name, parameter in model.named_parameters():
        norm = "norm" in name or "ln_q" in name
        mean = 1.0 if norm and name.endswith("weight") else 0.0
        parameter.data = values(name, tuple(parameter.shape), 0.1 if norm else 0.3, mean)
    return model.eval()


def save(path, tensors):
    stored = {name: tensor.to(torch.bfloat16).contiguous() if tensor.is_floating_point() else tensor
              for name, tensor in tensors.items()}
    save_file(stored, os.path.join(path, "model.safetensors"), metadata={"format": "pt"})


def write(path, name, content):
    os.makedirs(path, exist_ok=True)
    with open(os.path.join(path, name), "w", encoding="utf-8") as file:
        json.dump(content, file, indent=1, sort_keys=True)
        file.write("\n")


def case(path, ids, features, logits, greedy, **more):
    rows = [0, len(ids) // 2, len(ids) - 1]
    write(path, "case.json", dict(
        ids=ids, features=[[round(float(x), 7) for x in row] for row in features], rows=rows,
        logits=[[round(float(x), 6) for x in logits[row]] for row in rows], greedy=greedy, **more))
    top = torch.topk(logits[-1], 2).values
    print(path, "gap of the best two", float(top[0] - top[1]), "greedy", greedy)


def pixels(shape, name):
    # A stand-in for a picture that Java makes too: a function of the index.
    count = int(numpy.prod(shape))
    return torch.from_numpy(numpy.sin(numpy.arange(count) * 0.7 + len(name)).astype(numpy.float32).reshape(shape))


def greedy(step, ids, count):
    ids = list(ids)
    new = []
    for _ in range(count):
        new.append(int(step(ids)[-1].argmax()))
        ids.append(new[-1])
    return new


VISION = dict(hidden_size=16, intermediate_size=24, num_hidden_layers=3, num_attention_heads=2, image_size=12,
              patch_size=4, model_type="clip_vision_model", projection_dim=8, num_channels=3)
TEXT = dict(hidden_size=24, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
            vocab_size=40, rms_norm_eps=1e-5, max_position_embeddings=96, model_type="llama", rope_theta=10000.0,
            architectures=["LlamaForCausalLM"])


def llava(root):
    config = dict(architectures=["LlavaForConditionalGeneration"], model_type="llava", image_token_index=5,
                  ignore_index=-100, projector_hidden_act="gelu", vision_feature_layer=-2,
                  vision_feature_select_strategy="default", tie_word_embeddings=False, text_config=TEXT,
                  vision_config=VISION, torch_dtype="bfloat16")
    model = fill(LlavaForConditionalGeneration(LlavaConfig(**config)))
    picture = pixels((1, 3, 12, 12), "llava")
    ids = [1, 7, 8] + [5] * 9 + [9, 10, 11]

    def step(tokens):
        with torch.no_grad():
            return model(input_ids=torch.tensor([tokens]), pixel_values=picture,
                         attention_mask=torch.ones(1, len(tokens), dtype=torch.long)).logits[0]

    with torch.no_grad():
        states = model.vision_tower(picture, output_hidden_states=True).hidden_states[-2][0, 1:]
    path = os.path.join(root, "llava-hf")
    write(path, "config.json", config)
    state = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    save(path, state)
    logits, new = step(ids), greedy(step, ids, 8)
    # The same with a penalty on repetition, and what is left of the last logits to draw from.
    with torch.no_grad():
        penalised = model.generate(
            input_ids=torch.tensor([ids]), pixel_values=picture, attention_mask=torch.ones(1, len(ids), dtype=torch.long),
            do_sample=False, repetition_penalty=1.6, max_new_tokens=8, eos_token_id=None, pad_token_id=0)
    warpers = LogitsProcessorList([TemperatureLogitsWarper(0.7), TopKLogitsWarper(10), TopPLogitsWarper(0.8)])
    left = torch.softmax(warpers(torch.tensor([ids]), logits[-1:].clone()), -1)[0]
    case(path, ids, states, logits, new, penalised=penalised[0, len(ids):].tolist(),
         probabilities=[round(float(x), 7) for x in left])

    # LLaVA's own layout: the decoder's settings at the top, the vision model in a folder of its own.
    path = os.path.join(root, "llava-original")
    own = {k: v for k, v in TEXT.items() if k not in ("architectures", "model_type")}
    write(path, "config.json", dict(
        own, architectures=["LlavaLlamaForCausalLM"], model_type="llava", mm_hidden_size=16,
        mm_projector_type="mlp2x_gelu", mm_use_im_patch_token=False, mm_use_im_start_end=False,
        mm_vision_select_feature="patch", mm_vision_select_layer=-2, mm_vision_tower="openai/tiny-clip",
        image_aspect_ratio="pad", tie_word_embeddings=False, hidden_act="silu", use_mm_proj=True))
    renamed = {}
    for name, tensor in state.items():
        if name.startswith("language_model."):
            renamed[name[len("language_model."):]] = tensor
        elif name.startswith("multi_modal_projector."):
            renamed[name.replace("multi_modal_projector.linear_1", "model.mm_projector.0")
                    .replace("multi_modal_projector.linear_2", "model.mm_projector.2")] = tensor
    save(path, renamed)
    # No place of the picture is a token there; our inputs have the unknown token, 0, in its place.
    case(path, [0 if token == 5 else token for token in ids], states, logits, new)

    path = os.path.join(root, "tiny-clip")
    write(path, "config.json", dict(architectures=["CLIPModel"], model_type="clip", vision_config=VISION))
    clip = {name[len("vision_tower."):]: tensor for name, tensor in state.items() if name.startswith("vision_tower.")}
    clip["vision_model.embeddings.position_ids"] = torch.arange(10)[None]
    clip["text_model.final_layer_norm.weight"] = torch.ones(8)
    clip["logit_scale"] = torch.tensor(2.6)
    save(path, clip)


def qwen(root):
    vision = dict(depth=3, hidden_size=16, num_heads=2, intermediate_size=20, hidden_act="silu", out_hidden_size=16,
                  patch_size=14, spatial_merge_size=2, spatial_patch_size=14, temporal_patch_size=2, window_size=56,
                  fullatt_block_indexes=[1], tokens_per_second=2, in_chans=3)
    config = dict(architectures=["Qwen2_5_VLForConditionalGeneration"], model_type="qwen2_5_vl", hidden_size=16,
                  num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1, intermediate_size=24, vocab_size=40,
                  rms_norm_eps=1e-6, rope_theta=1000000.0, hidden_act="silu", max_position_embeddings=200,
                  tie_word_embeddings=False, image_token_id=5, video_token_id=6, vision_start_token_id=3,
                  vision_end_token_id=4, use_sliding_window=False, sliding_window=200,
                  rope_scaling=dict(type="mrope", mrope_section=[1, 1, 2]), vision_config=vision)
    model = fill(Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(**config)))
    grids = [[1, 6, 4], [1, 2, 6]]
    count = sum(t * h * w for t, h, w in grids)
    patches = pixels((count, 1176), "qwen")
    ids = [1, 3] + [5] * 6 + [4, 8, 9, 3] + [5] * 3 + [4, 10, 11]

    def step(tokens):
        with torch.no_grad():
            return model(input_ids=torch.tensor([tokens]), pixel_values=patches, image_grid_thw=torch.tensor(grids),
                         attention_mask=torch.ones(1, len(tokens), dtype=torch.long)).logits[0]

    with torch.no_grad():
        features = model.visual(patches, grid_thw=torch.tensor(grids))
    path = os.path.join(root, "qwen2_5_vl")
    # As newer versions of the library write it: settings of the decoder in a section, other names.
    nested = {k: config.pop(k) for k in (
        "hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "intermediate_size",
        "vocab_size", "rms_norm_eps", "rope_theta", "hidden_act", "max_position_embeddings", "rope_scaling",
        "use_sliding_window", "sliding_window")}
    write(path, "config.json", dict(config, text_config=dict(nested, model_type="qwen2_5_vl_text")))
    state = {}
    for name, tensor in model.state_dict().items():
        if name.startswith("visual."):
            name = "model." + name
        elif name.startswith("model."):
            name = name.replace("model.", "model.language_model.", 1)
        state[name] = tensor.contiguous()
    save(path, state)
    with torch.no_grad():
        made = model.generate(input_ids=torch.tensor([ids]), pixel_values=patches, image_grid_thw=torch.tensor(grids),
                              attention_mask=torch.ones(1, len(ids), dtype=torch.long), do_sample=False,
                              max_new_tokens=8, eos_token_id=None, pad_token_id=0)[0, len(ids):].tolist()
    case(path, ids, features, step(ids), made, grids=grids)


def intern_vit(weights, picture, layers, heads, width, patch):
    """InternViT with LayerNorm, and pixel shuffle v2, as the README of the golden cases says (sections 1.3)."""
    f = torch.nn.functional
    x = f.conv2d(picture, weights["embeddings.patch_embedding.weight"], weights["embeddings.patch_embedding.bias"],
                 stride=patch)
    side = x.shape[-1]
    x = x.flatten(2).transpose(1, 2)
    x = torch.cat([weights["embeddings.class_embedding"].expand(len(picture), 1, width), x], 1)
    x = x + weights["embeddings.position_embedding"]
    for i in range(layers):
        layer = {k[len(f"encoder.layers.{i}."):]: v for k, v in weights.items() if k.startswith(f"encoder.layers.{i}.")}
        n = f.layer_norm(x, (width,), layer["norm1.weight"], layer["norm1.bias"], 1e-6)
        q, k, v = f.linear(n, layer["attn.qkv.weight"], layer["attn.qkv.bias"]).chunk(3, -1)
        q, k, v = (t.unflatten(-1, (heads, -1)).transpose(1, 2) for t in (q, k, v))
        y = torch.softmax(q @ k.transpose(-1, -2) / (width // heads) ** 0.5, -1) @ v
        x = x + f.linear(y.transpose(1, 2).flatten(2), layer["attn.proj.weight"], layer["attn.proj.bias"]) * layer["ls1"]
        n = f.layer_norm(x, (width,), layer["norm2.weight"], layer["norm2.bias"], 1e-6)
        n = f.gelu(f.linear(n, layer["mlp.fc1.weight"], layer["mlp.fc1.bias"]))
        x = x + f.linear(n, layer["mlp.fc2.weight"], layer["mlp.fc2.bias"]) * layer["ls2"]
    x = x[:, 1:].reshape(len(picture), side // 2, 2, side // 2, 2, width).permute(0, 1, 3, 2, 4, 5)
    return x.reshape(len(picture), -1, 4 * width)


def internvl(root):
    width, layers, heads, groups, vocabulary = 24, 2, 6, 2, 40
    head = width // heads
    vision = dict(architectures=["InternVisionModel"], model_type="intern_vit_6b", hidden_size=8, num_hidden_layers=2,
                  num_attention_heads=2, intermediate_size=16, image_size=12, patch_size=3, num_channels=3,
                  hidden_act="gelu", norm_type="layer_norm", layer_norm_eps=1e-6, qkv_bias=True,
                  qk_normalization=False, initializer_factor=1.0)
    language = dict(architectures=["InternLM2ForCausalLM"], model_type="internlm2", hidden_size=width,
                    num_hidden_layers=layers, num_attention_heads=heads, num_key_value_heads=groups,
                    intermediate_size=40, vocab_size=vocabulary, rms_norm_eps=1e-5, rope_theta=1000000.0, bias=False,
                    hidden_act="silu", max_position_embeddings=96, rope_scaling=dict(type="dynamic", factor=2.0))
    config = dict(architectures=["InternVLChatModel"], model_type="internvl_chat", downsample_ratio=0.5,
                  dynamic_image_size=True, force_image_size=12, min_dynamic_patch=1, max_dynamic_patch=4,
                  ps_version="v2", select_layer=-1, template="internvl2_5", tie_word_embeddings=False,
                  use_thumbnail=True, vision_config=vision, llm_config=language)
    shapes = {"model.tok_embeddings.weight": (vocabulary, width), "model.norm.weight": (width,),
              "output.weight": (vocabulary, width)}
    for i in range(layers):
        shapes.update({
            f"model.layers.{i}.attention.wqkv.weight": ((heads + 2 * groups) * head, width),
            f"model.layers.{i}.attention.wo.weight": (width, width),
            f"model.layers.{i}.feed_forward.w1.weight": (40, width),
            f"model.layers.{i}.feed_forward.w2.weight": (width, 40),
            f"model.layers.{i}.feed_forward.w3.weight": (40, width),
            f"model.layers.{i}.attention_norm.weight": (width,),
            f"model.layers.{i}.ffn_norm.weight": (width,)})
    own = {name: values(name, shape, 0.1 if "norm" in name else 0.3, 1.0 if "norm" in name else 0.0)
           for name, shape in shapes.items()}

    reference = LlamaForCausalLM(LlamaConfig(
        **{k: v for k, v in language.items() if k not in ("architectures", "model_type", "bias", "rope_scaling")},
        tie_word_embeddings=False)).eval()
    state = {"model.embed_tokens.weight": own["model.tok_embeddings.weight"],
             "model.norm.weight": own["model.norm.weight"], "lm_head.weight": own["output.weight"]}
    for i in range(layers):
        layer = f"model.layers.{i}."
        # Group by group: its queries, its keys, its values.
        fused = own[layer + "attention.wqkv.weight"].reshape(groups, heads // groups + 2, head, width)
        state[layer + "self_attn.q_proj.weight"] = fused[:, :-2].reshape(-1, width)
        state[layer + "self_attn.k_proj.weight"] = fused[:, -2].reshape(-1, width)
        state[layer + "self_attn.v_proj.weight"] = fused[:, -1].reshape(-1, width)
        for theirs, ours in {"self_attn.o_proj": "attention.wo", "mlp.gate_proj": "feed_forward.w1",
                             "mlp.up_proj": "feed_forward.w3", "mlp.down_proj": "feed_forward.w2",
                             "input_layernorm": "attention_norm", "post_attention_layernorm": "ffn_norm"}.items():
            state[f"{layer}{theirs}.weight"] = own[f"{layer}{ours}.weight"]
    reference.load_state_dict(state)

    tower = {"embeddings.class_embedding": (1, 1, 8), "embeddings.patch_embedding.weight": (8, 3, 3, 3),
             "embeddings.patch_embedding.bias": (8,), "embeddings.position_embedding": (1, 17, 8)}
    for i in range(2):
        for name, shape in {"norm1.weight": (8,), "norm1.bias": (8,), "norm2.weight": (8,), "norm2.bias": (8,),
                            "attn.qkv.weight": (24, 8), "attn.qkv.bias": (24,), "attn.proj.weight": (8, 8),
                            "attn.proj.bias": (8,), "mlp.fc1.weight": (16, 8), "mlp.fc1.bias": (16,),
                            "mlp.fc2.weight": (8, 16), "mlp.fc2.bias": (8,), "ls1": (8,), "ls2": (8,)}.items():
            tower[f"encoder.layers.{i}.{name}"] = shape
    tower = {name: values("vision_model." + name, shape) for name, shape in tower.items()}
    connector = {"mlp1.0.weight": (32,), "mlp1.0.bias": (32,), "mlp1.1.weight": (width, 32), "mlp1.1.bias": (width,),
                 "mlp1.3.weight": (width, width), "mlp1.3.bias": (width,)}
    connector = {name: values(name, shape) for name, shape in connector.items()}

    f = torch.nn.functional
    picture = pixels((2, 3, 12, 12), "internvl")
    features = intern_vit(tower, picture, 2, 2, 8, 3)
    seen = f.layer_norm(features, (32,), connector["mlp1.0.weight"], connector["mlp1.0.bias"], 1e-5)
    seen = f.linear(f.gelu(f.linear(seen, connector["mlp1.1.weight"], connector["mlp1.1.bias"])),
                    connector["mlp1.3.weight"], connector["mlp1.3.bias"]).reshape(-1, width)
    ids = [1, 7] + [5] * 8 + [9, 10, 11]

    def step(tokens):
        with torch.no_grad():
            embedded = f.embedding(torch.tensor(tokens), own["model.tok_embeddings.weight"]).clone()
            embedded[torch.tensor(tokens) == 5] = seen
            return reference(inputs_embeds=embedded[None]).logits[0]

    path = os.path.join(root, "internvl-internlm2")
    write(path, "config.json", config)
    every = {"language_model." + name: tensor for name, tensor in own.items()}
    every.update({"vision_model." + name: tensor for name, tensor in tower.items()})
    every.update(connector)
    save(path, every)
    case(path, ids, features.reshape(-1, 32), step(ids), greedy(step, ids, 8))


if __name__ == "__main__":
    llava(sys.argv[1])
    qwen(sys.argv[1])
    internvl(sys.argv[1])
