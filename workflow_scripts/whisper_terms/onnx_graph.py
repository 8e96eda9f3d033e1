"""Graphs of ONNX, node by node: what the layers of a Whisper are made of.

Weights have 16 bits, or its matrices eight; what is computed with them has 32: runtimes on CPUs
compute in no half precision. The cast stands in the graph, and onnxruntime does it once, while it
loads.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from onnx import GraphProto, NodeProto, TensorProto, helper, numpy_helper

from whisper_terms.errors import Fault, UserError

# Sum of the weights of a file, in bytes: protobuf, which it is written in, stops at 2 GiB.
LARGEST = 2**31 - 2**24
# Of eight bits those of seven: two products of a larger weight and a byte may be more than the 16
# bits that x86 processors without VNNI add them up in, and what is cut off there is not told.
_HIGHEST = 63
_EPSILON = 1e-5  # of torch's LayerNorm


class Graph:
    """A graph under construction; every value is known by its name.

    Nodes are named by their number, so that the same model gives the same bytes.
    """

    def __init__(self, weights: Mapping[str, np.ndarray], heads: int, eight_bits: bool):
        """Start without a node.

        Args:
            weights: float16, by OpenAI's names; those that nodes ask for become part of the graph.
            heads: of each attention.
            eight_bits: whether matrices are stored and multiplied in eight bits.
        """
        self._weights, self._heads, self._eight_bits = weights, heads, eight_bits
        self._nodes: list[NodeProto] = []
        self._stored: dict[str, TensorProto] = {}
        self._made: dict[tuple, tuple[str, ...]] = {}
        self._size = 0

    def finish(self, name: str, inputs: Sequence, outputs: Sequence) -> GraphProto:
        """The graph, with inputs and outputs as `helper.make_tensor_value_info` makes them."""
        return helper.make_graph(self._nodes, name, inputs, outputs, [*self._stored.values()])

    # ----------------------------------------------------------------------------------------------
    # Values

    def node(self, kind: str, *inputs: str, output: str = "", **attributes) -> str:
        """Add a node with one output, and return that output's name."""
        return self._add(kind, inputs, [output or f"{kind}_{len(self._nodes)}"], attributes)[0]

    def numbers(self, *values: int) -> str:
        """Constant int64s, shape (values,)."""
        return self._store(f"numbers_{'_'.join(map(str, values))}", np.array(values, np.int64))

    def number(self, value: float, dtype: type = np.float32) -> str:
        """A constant without dimensions."""
        name = f"{np.dtype(dtype).name}_{value:.9g}"
        return self._store(name, np.array(value, dtype))

    def weight(self, name: str) -> str:
        """A weight of the model, in float32."""
        if (name,) not in self._made:
            stored = self._store(name, self._weights[name])
            self._made[name,] = (self.node("Cast", stored, to=TensorProto.FLOAT),)
        return self._made[name,][0]

    # ----------------------------------------------------------------------------------------------
    # Layers; x is (…, state)

    def linear(self, x: str, name: str) -> str:
        """x times a matrix (out, in), plus its bias if there is one."""
        if self._eight_bits:
            product = self._times_eight_bits(x, f"{name}.weight")
        else:
            product = self.node("MatMul", x, self._transposed(f"{name}.weight"))
        if f"{name}.bias" not in self._weights:
            return product
        return self.node("Add", product, self.weight(f"{name}.bias"))

    def layer_norm(self, x: str, name: str) -> str:
        scale, bias = self.weight(f"{name}.weight"), self.weight(f"{name}.bias")
        return self.node("LayerNormalization", x, scale, bias, axis=-1, epsilon=_EPSILON)

    def gelu(self, x: str) -> str:
        error = self.node("Erf", self.node("Div", x, self.number(2**0.5)))
        twice = self.node("Mul", x, self.node("Add", error, self.number(1)))
        return self.node("Mul", twice, self.number(0.5))

    def feed_forward(self, x: str, block: str) -> str:
        """x and what a block's perceptron adds to it."""
        hidden = self.gelu(self.linear(self.layer_norm(x, f"{block}.mlp_ln"), f"{block}.mlp.0"))
        return self.node("Add", x, self.linear(hidden, f"{block}.mlp.2"))

    def attention(
        self, x: str, name: str, keys: str, values: str, mask: str = ""
    ) -> tuple[str, str]:
        """What an attention makes of x (audios, rows, state), and what it looks at.

        Args:
            x: normalised.
            name: of the attention's matrices.
            keys: (audios, columns, state)
            values: (audios, columns, state)
            mask: (rows, columns), added to the scores.

        Returns:
            (audios, rows, state) and (audios, heads, rows, columns)
        """
        state = self._weights[f"{name}.query.weight"].shape[0]
        scale = self.number((state // self._heads) ** -0.5)
        queries = self._split(self.node("Mul", self.linear(x, f"{name}.query"), scale), 0, 2, 1, 3)
        scores = self.node("MatMul", queries, self._split(keys, 0, 2, 3, 1))
        if mask:
            scores = self.node("Add", scores, mask)
        shares = self.node("Softmax", scores, axis=-1)
        mixed = self.node("MatMul", shares, self._split(values, 0, 2, 1, 3))
        mixed = self.node("Transpose", mixed, perm=[0, 2, 1, 3])
        joined = self.node("Reshape", mixed, self.numbers(0, 0, state))
        return self.linear(joined, f"{name}.out"), shares

    def embed(self, tokens: str, name: str) -> str:
        """Rows of a matrix (vocabulary, state) for tokens (audios, tokens)."""
        if not self._eight_bits:
            return self.node("Gather", self.weight(name), tokens)
        matrix, scales = self._quantised(name)
        # The columns of the matrix that is multiplied with in the end, which is there once.
        columns = self.node("Gather", matrix, tokens, axis=1)
        rows = self.node("Transpose", columns, perm=[1, 2, 0])
        scale = self.node("Unsqueeze", self.node("Gather", scales, tokens), self.numbers(-1))
        return self.node("Mul", self.node("Cast", rows, to=TensorProto.FLOAT), scale)

    def scores(self, x: str, tokens: str, name: str) -> str:
        """x (audios, tokens, state) times a matrix (vocabulary, state) that embeds, too."""
        if self._eight_bits:
            return self._times_eight_bits(x, name, "logits")
        vocabulary, state = self._weights[name].shape
        rows = self.node("Reshape", x, self.numbers(-1, state))
        products = self.node("Gemm", rows, self.weight(name), transB=1)
        shape = self.node("Concat", self.node("Shape", tokens), self.numbers(vocabulary), axis=0)
        return self.node("Reshape", products, shape, output="logits")

    def part(self, values: str, index: int) -> str:
        """One of several values that `stack` put together."""
        return self.node("Gather", values, self.number(index, np.int64), axis=0)

    def stack(self, values: Sequence[str], output: str = "") -> str:
        """Values of one shape, along a new first dimension."""
        rows = [self.node("Unsqueeze", value, self.numbers(0)) for value in values]
        return self.node("Concat", *rows, axis=0, output=output)

    # ----------------------------------------------------------------------------------------------

    def _add(
        self, kind: str, inputs: Sequence[str], outputs: Sequence[str], attributes: Mapping
    ) -> Sequence[str]:
        name = f"{kind}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, outputs, name, **attributes))
        return outputs

    def _store(self, name: str, values: np.ndarray) -> str:
        if name not in self._stored:
            self._size += values.nbytes
            if self._size > LARGEST:
                problem = f"more than {LARGEST / 1e9:.1f} GB of weights, which no ONNX file holds"
                raise UserError(Fault(problem, "choose export.precision: int8, or another format"))
            self._stored[name] = numpy_helper.from_array(values, name)
        return name

    def _transposed(self, name: str) -> str:
        """A matrix (out, in) as (in, out), in float32."""
        key = (name, "transposed")
        if key not in self._made:
            stored = self._store(name, self._weights[name].T)
            self._made[key] = (self.node("Cast", stored, to=TensorProto.FLOAT),)
        return self._made[key][0]

    def _split(self, x: str, *order: int) -> str:
        """x (audios, n, state), taken apart into (audios, n, heads, state of a head), in order."""
        parts = self.node("Reshape", x, self.numbers(0, 0, self._heads, -1))
        return self.node("Transpose", parts, perm=order)

    def _times_eight_bits(self, x: str, name: str, output: str = "") -> str:
        """x times a matrix (out, in): its bytes times bytes that x is rounded to at run time.

        Nodes and order are those that onnxruntime joins into one.
        """
        if (x, "bytes") not in self._made:
            names = [f"{x}_bytes", f"{x}_scale", f"{x}_zero"]
            self._made[x, "bytes"] = (*self._add("DynamicQuantizeLinear", [x], names, {}),)
        values, scale, zero = self._made[x, "bytes"]
        matrix, scales = self._quantised(name)
        product = self.node("MatMulInteger", values, matrix, zero)
        product = self.node("Cast", product, to=TensorProto.FLOAT)
        return self.node("Mul", product, self.node("Mul", scale, scales), output=output)

    def _quantised(self, name: str) -> tuple[str, str]:
        """A matrix (out, in) as int8 (in, out), and what to multiply its columns with, (out,)."""
        if (name, "bytes") not in self._made:
            matrix = self._weights[name].astype(np.float32)
            scales = np.abs(matrix).max(axis=1) / _HIGHEST
            scales[scales == 0] = 1
            numbers = np.rint(matrix / scales[:, None]).astype(np.int8)
            stored = self._store(name, numbers.T), self._store(f"{name}_scales", scales)
            self._made[name, "bytes"] = stored
        return self._made[name, "bytes"]
