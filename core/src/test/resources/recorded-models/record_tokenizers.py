"""Records what Python's own tokenizers make of texts, for TokenizerFilesTest.

Makes small tokenizers in each of the published layouts, and writes for each its files and cases.json: texts, the ids of
transformers' slow tokenizer (use_fast=False), and answers as its decode(..., skip_special_tokens=True) gives them.

    pip install transformers==4.51.3 sentencepiece==0.2.0 tokenizers==0.21.4
    python record_tokenizers.py FOLDER     # FOLDER: core/src/test/resources/recorded-models/tokenizers

SentencePiece's training is deterministic; another version may cut its pieces differently, which changes files and ids
together.
"""
import io
import json
import os
import sys
import tempfile

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers, Regex
from transformers import LlamaTokenizer, Qwen2Tokenizer

CORPUS = """
The quick brown fox jumps over the lazy dog. Answer the question using a single word or phrase.
A chat between a curious user and an artificial intelligence assistant. USER: What is in the picture? ASSISTANT: A dog.
How many objects are there? There are 12 objects, 3 of them are red, and 450 are not.
Please provide the bounding box coordinates of the region this sentence describes: the second man from the left.
图中有几个人？请直接回答选项字母。 The answer is (B). Is it 2.5 or 0.125? It's 7, isn't it? We're sure, they've said so.
Hint: Please answer the question and provide the correct option letter, e.g., A, B, C, D, at the end.
""" * 3

TEXTS = [
    "",
    "What is in the picture?",
    " What  is   in the picture ? ",
    "\nAnswer the question using a single word or phrase.",
    "line one\nline two\r\n\ttabbed\n\n",
    "图中有几个人？请直接回答选项字母。",
    "naïve café — “quotes” … ½ ﬁ Å e\u0301",
    "emoji 🙂🏽 and ẞ, ﷺ, zero\u200bwidth",
    "1234567890 3.14159 1,000",
    "It's we're THEY'VE I'd",
    "ASSISTANT: A dog.</s>USER: How many?",
    "<s>[INST] hi [/INST]",
    "▁already▁marked ▁",
    "<unk> is not unknown",
    "x" * 50,
    "aaaaaaaaa the the thethe",
    "<|im_start|>user\n<image>\nWhat is it?<|im_end|>\n<|im_start|>assistant\n",
    "<ref>the dog</ref><box>[[1, 2, 3, 4]]</box>",
    "before <image> after <image><image> end",
]


def piece_model(path, **options):
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS.split("\n")), model_writer=out, num_threads=1, minloglevel=2, **options)
    os.makedirs(path, exist_ok=True)
    model = sentencepiece_model_pb2.ModelProto.FromString(out.getvalue())
    model.normalizer_spec.normalization_rule_tsv = ""  # a path of this machine
    with open(os.path.join(path, "tokenizer.model"), "wb") as file:
        file.write(model.SerializeToString(deterministic=True))


def write(path, name, content):
    os.makedirs(path, exist_ok=True)
    with open(os.path.join(path, name), "w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False, indent=1, sort_keys=True)
        file.write("\n")


def token(content, special):
    return dict(content=content, lstrip=False, normalized=False, rstrip=False, single_word=False, special=special)


def cases(path, kind, specials):
    tokenizer = kind.from_pretrained(path)
    recorded = []
    for text in TEXTS:
        ids = tokenizer(text).input_ids
        recorded.append(dict(text=text, ids=ids, answer=tokenizer.decode(ids, skip_special_tokens=True)))
    # As a model answers: without the beginning of the sentence, and with special tokens between words.
    words = tokenizer("The dog", add_special_tokens=False).input_ids
    for special in specials:
        ids = words + [tokenizer.convert_tokens_to_ids(special)] + words
        recorded.append(dict(ids=ids, answer=tokenizer.decode(ids, skip_special_tokens=True)))
    write(path, "cases.json", recorded)
    print(path, len(tokenizer), len(recorded))


def sentence_pieces(root):
    bpe = dict(vocab_size=460, model_type="bpe", byte_fallback=True, character_coverage=0.98, split_digits=True,
               normalization_rule_name="identity", remove_extra_whitespaces=False)
    common = dict(tokenizer_class="LlamaTokenizer", bos_token="<s>", eos_token="</s>", unk_token="<unk>",
                  clean_up_tokenization_spaces=False, add_bos_token=True, add_eos_token=False)

    # Vicuna and LLaVA-1.5 in their original layout.
    path = os.path.join(root, "llama-legacy")
    piece_model(path, **bpe)
    write(path, "tokenizer_config.json", dict(common, legacy=True))
    cases(path, LlamaTokenizer, ["</s>"])

    # A prompt with two pictures as LLaVA tokenizes it: the texts between them each by itself, -200 for a picture.
    tokenizer = LlamaTokenizer.from_pretrained(path)
    prompt = ("A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, "
              "detailed, and polite answers to the user's questions. USER: <image>\nWhat is <image> ? ASSISTANT:")
    chunks = [tokenizer(chunk).input_ids for chunk in prompt.split("<image>")]
    ids = chunks[0]
    for chunk in chunks[1:]:
        ids = ids + [-200] + chunk[1:]
    write(path, "llava.json", dict(prompt=prompt, ids=ids))

    # The same where "legacy" is false, with two tokens behind the pieces as llava-hf has them.
    path = os.path.join(root, "llama")
    piece_model(path, **bpe)
    write(path, "tokenizer_config.json", dict(
        common, legacy=False, pad_token="<pad>",
        added_tokens_decoder={"0": token("<unk>", True), "1": token("<s>", True), "2": token("</s>", True),
                              "460": token("<image>", False), "461": token("<pad>", True)}))
    cases(path, LlamaTokenizer, ["</s>", "<image>", "<pad>"])

    # InternLM2: no blank before a text, unused pieces that added tokens take the place of, more behind them.
    path = os.path.join(root, "internlm2")
    piece_model(path, **dict(bpe, add_dummy_prefix=False, user_defined_symbols=["[UNUSED_1]", "[UNUSED_2]", "kept"]))
    write(path, "tokenizer_config.json", dict(common, legacy=True))
    write(path, "added_tokens.json", {"<|im_start|>": 3, "<|im_end|>": 4, "<box>": 460, "</box>": 461,
                                      "<ref>": 462, "</ref>": 463, "<image>": 464})
    write(path, "special_tokens_map.json", dict(
        bos_token="<s>", eos_token="</s>", unk_token="<unk>",
        additional_special_tokens=["<|im_start|>", "<|im_end|>", "<image>"]))
    cases(path, LlamaTokenizer, ["<|im_end|>", "<box>", "<image>", "kept"])

    # Unigram pieces; three rules stand for the usual normalisation, which would take 240 kB.
    path = os.path.join(root, "unigram")
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as rules:
        rules.write("FB01\t66 69\n2026\t2E 2E 2E\nA\t20\n")
        rules.flush()
        piece_model(path, vocab_size=150, model_type="unigram", normalization_rule_tsv=rules.name,
                    hard_vocab_limit=False)
    write(path, "tokenizer_config.json", dict(common, legacy=True, add_bos_token=False))
    cases(path, LlamaTokenizer, ["</s>"])


def byte_level(root):
    path = os.path.join(root, "qwen2")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    pattern = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(pattern), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.train_from_iterator(CORPUS.split("\n"), trainers.BpeTrainer(
        vocab_size=500, show_progress=False, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())))
    model = json.loads(tokenizer.to_str())["model"]
    os.makedirs(path, exist_ok=True)
    size = len(model["vocab"])
    write(path, "vocab.json", dict(sorted(model["vocab"].items(), key=lambda entry: entry[1])))
    with open(os.path.join(path, "merges.txt"), "w", encoding="utf-8") as file:
        file.write("#version: 0.2\n" + "".join(f"{left} {right}\n" for left, right in model["merges"]))
    names = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<image>", "<ref>", "</ref>", "<box>", "</box>"]
    special = names[:4]
    write(path, "added_tokens.json", {name: size + i for i, name in enumerate(names)})
    write(path, "special_tokens_map.json", dict(
        eos_token="<|im_end|>", pad_token="<|endoftext|>", additional_special_tokens=special[1:]))
    write(path, "tokenizer_config.json", dict(
        tokenizer_class="Qwen2Tokenizer", eos_token="<|im_end|>", pad_token="<|endoftext|>", bos_token=None,
        unk_token=None, additional_special_tokens=special[1:], clean_up_tokenization_spaces=False,
        add_prefix_space=False, split_special_tokens=False,
        added_tokens_decoder={str(size + i): token(name, name in special) for i, name in enumerate(names)}))
    cases(path, Qwen2Tokenizer, ["<|im_end|>", "<box>", "<image>"])


if __name__ == "__main__":
    sentence_pieces(sys.argv[1])
    byte_level(sys.argv[1])
