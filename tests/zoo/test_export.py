"""Every family leaves PyTorch's eager mode: compiled, exported, and as ONNX."""

from pathlib import Path

import pytest
import torch

import srblocks as sr
from tests.helpers import relative_error
from tests.zoo.networks import picture, smallest

pytestmark = [
    # torch's own, while its compiler is imported and run.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


def sizes(net: sr.SRModel) -> tuple[int, int]:
    """The smallest number of multiples that is exported, and one to trace with."""
    rule = net.size_rule
    # Twice the rule's minimum, because a graph for many sizes cannot hold one in which a map shrinks to one pixel.
    minimum = max(2, -(-2 * rule.minimum // rule.multiple_of))
    return minimum, max(minimum, 3)


def dynamic_shapes(net: sr.SRModel) -> tuple[dict[int, object], ...]:
    minimum, _ = sizes(net)
    step = net.size_rule.multiple_of
    height, width = torch.export.Dim("h", min=minimum, max=512), torch.export.Dim("w", min=minimum, max=512)
    return ({2: step * height if step > 1 else height, 3: step * width if step > 1 else width},)


@pytest.mark.promise("compile")
def test_it_compiles_as_one_graph(family: sr.Family) -> None:
    net = smallest(family)
    compiled = torch.compile(net, fullgraph=True, backend="aot_eager")
    x = picture(net, 17, 20)
    assert relative_error(compiled(x), net(x)) < 1e-5
    torch.compiler.reset()


@pytest.mark.promise("export")
def test_it_is_exported_for_many_sizes(family: sr.Family, upscale_only: type[torch.nn.Module], tmp_path: Path) -> None:
    net = smallest(family).fuse()
    minimum, example = sizes(net)
    step = net.size_rule.multiple_of
    x = picture(net, step * example, step * (example + 1))
    program = torch.export.export(upscale_only(net), (x,), dynamic_shapes=dynamic_shapes(net))
    torch.export.save(program, tmp_path / "net.pt2")
    module = torch.export.load(tmp_path / "net.pt2").module()
    for rows, columns in ((minimum, minimum), (example + 2, minimum)):
        x = picture(net, step * rows, step * columns)
        assert relative_error(module(x), net.upscale(x)) < 1e-5


@pytest.mark.promise("onnx")
@pytest.mark.filterwarnings("ignore")
def test_onnx_gives_the_same(family: sr.Family, upscale_only: type[torch.nn.Module], tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    net = smallest(family).fuse()
    minimum, example = sizes(net)
    step = net.size_rule.multiple_of
    x = picture(net, step * example, step * (example + 1))
    path = tmp_path / "net.onnx"
    torch.onnx.export(upscale_only(net), (x,), path, dynamo=True, dynamic_shapes=dynamic_shapes(net), verbose=False)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    for rows, columns in ((example, example + 1), (minimum, example + 2)):
        x = picture(net, step * rows, step * columns)
        y = torch.from_numpy(session.run(None, {name: x.numpy()})[0])
        assert relative_error(y, net.upscale(x)) < 1e-4
