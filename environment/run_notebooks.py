"""Runs notebooks from top to bottom on the Java kernel; with --save also writes their outputs, without traces of the run.

With --links it runs nothing, and writes into the first and last cell of each notebook the way to its neighbours.

Started by environment/test and environment/notebooks, inside the project's virtual environment.
"""

import argparse
import re
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

ROOT = Path(__file__).resolve().parent.parent
START_LIMIT = 300  # seconds: a loaded machine with two cores takes more than a minute to start a kernel
METADATA = {
    "kernelspec": {"display_name": "Java", "language": "java", "name": "java"},
    "language_info": {"file_extension": ".jshell", "mimetype": "text/x-java-source", "name": "Java"},
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all in notebooks/")
    parser.add_argument("--save", action="store_true", help="write the outputs into the notebooks")
    parser.add_argument("--links", action="store_true", help="only write the links between notebooks anew")
    parser.add_argument("--solutions", action="store_true", help="run the Java in the texts too, after the last cell")
    parser.add_argument("--timeout", type=int, default=600, help="seconds a cell may take (%(default)s)")
    parser.add_argument("--counts", type=Path, help="write 'PASSED FAILED' to this file")
    options = parser.parse_args()
    if options.links:
        write_links()
        return 0
    notebooks = options.notebooks or sorted((ROOT / "notebooks").glob("*.ipynb"))
    failed = [path for path in notebooks if not run(path, options)]
    passed = len(notebooks) - len(failed)
    if options.counts:
        options.counts.write_text(f"{passed} {len(failed)}\n")
    print(f"Notebooks: {passed} passed, {len(failed)} failed" + "".join(f"\n  {path.name}" for path in failed))
    return 1 if failed else 0


def run(path, options):
    notebook = nbformat.read(path, as_version=4)
    before = [text_of(cell) for cell in notebook.cells]
    number_of_cells = len(notebook.cells)
    if options.solutions:
        notebook.cells += java_in_texts(notebook)
    number_of_runs = len(notebook.cells)
    begin = time.monotonic()

    def show(cell, cell_index):
        if sys.stdout.isatty():
            print(f"\r{path.name} … cell {cell_index + 1} of {number_of_runs} ", end="", flush=True)

    client = NotebookClient(
        notebook,
        kernel_name="java",
        timeout=options.timeout,
        startup_timeout=START_LIMIT,
        record_timing=False,
        resources={"metadata": {"path": str(path.resolve().parent)}},
        on_cell_start=show,
    )
    if sys.stdout.isatty():
        print(f"{path.name} … kernel starts ", end="", flush=True)
    try:
        client.execute()
    except (CellExecutionError, CellTimeoutError, DeadKernelError, RuntimeError) as error:
        print(f"\r{path.name} … failed: {what_failed(notebook) or error}", flush=True)
        return False
    print(f"\r{path.name} … passed in {time.monotonic() - begin:.0f} s", flush=True)
    del notebook.cells[number_of_cells:]
    clean(notebook)
    if options.save:
        nbformat.write(notebook, path)
    elif any(before):
        changed = [i + 1 for i, cell in enumerate(notebook.cells) if text_of(cell) != before[i]]
        if changed:
            print(f"  note: the text of cells {changed} is not as committed (environment/notebooks --save writes it anew)")
    return True


def java_in_texts(notebook):
    """Cells with the solutions of the exercises, for the end, where they change no stored output; at the scale tiny."""
    cells = []
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type == "markdown":
            for java in re.findall(r"```java\n(.*?)```", cell.source, re.DOTALL):
                cells.append(nbformat.v4.new_code_cell(java, metadata={"text_of_cell": number}))
    return [nbformat.v4.new_code_cell('System.setProperty("optmerge.scale", "tiny");')] + cells


def what_failed(notebook):
    """The failing cell: its number, its source, and what the kernel said, without colours and the kernel's own frames."""
    for number, cell in enumerate(notebook.cells, start=1):
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                said = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join([output.evalue, *output.traceback]))
                lines = [line for line in said.splitlines() if "org.dflib.jjava" not in line and "jdk.jshell" not in line]
                text = cell.metadata.get("text_of_cell")
                where = f"a piece of Java in the text of cell {text}" if text else f"cell {number}"
                return f"{where}\n" + indent(cell.source) + "\n  →\n" + indent("\n".join(lines))
    return ""


def write_links():
    """Ends the first and the last cell of every notebook with the way to its neighbours, in the order of their names."""
    paths = sorted((ROOT / "notebooks").glob("*.ipynb"))
    collection = [path for path in paths if path.name[:2].isdigit()]
    names = {}
    for path in collection:
        title = nbformat.read(path, as_version=4).cells[0].source.splitlines()[0]
        names[path] = f"[{title.removeprefix('# ').split(':')[0]}]({path.name})"
    for path in paths:
        notebook = nbformat.read(path, as_version=4)
        at = collection.index(path) if path in collection else -1
        way = "[README](../README.md) · [all notebooks](README.md)"
        if at > 0:
            way = f"← {names[collection[at - 1]]} · {way}"
        if 0 <= at < len(collection) - 1:
            way = f"{way} · {names[collection[at + 1]]} →"
        before = [cell.source for cell in notebook.cells]
        for cell in (notebook.cells[0], notebook.cells[-1]):
            lines = cell.source.splitlines()
            if "[all notebooks](README.md)" in lines[-1]:
                lines.pop()
            cell.source = "\n".join(lines).rstrip() + "\n\n" + way
        if [cell.source for cell in notebook.cells] != before:
            nbformat.write(notebook, path)
            print(f"{path.name}: {way}")


def indent(text):
    return "\n".join("  | " + line for line in text.splitlines())


def text_of(cell):
    """What a cell printed, without pictures."""
    parts = []
    for output in cell.get("outputs", []):
        if output.output_type == "stream":
            parts.append(output.text)
        else:
            data = output.get("data", {})
            parts.extend(data[kind] for kind in ("text/plain", "text/html") if kind in data)
    return "".join(parts)


def clean(notebook):
    """Keeps sources and outputs; drops counts, timings, names of machines and versions, so that a second run is no change."""
    notebook.metadata = nbformat.from_dict(METADATA)
    for number, cell in enumerate(notebook.cells, start=1):
        cell.id = f"cell-{number:02d}"
        cell.metadata = nbformat.from_dict({})
        if cell.cell_type != "code":
            continue
        cell.execution_count = None
        outputs = []
        for output in cell.outputs:
            if "execution_count" in output:
                output.execution_count = None
            if output.output_type == "stream":
                if outputs and outputs[-1].output_type == "stream" and outputs[-1].name == output.name:
                    outputs[-1].text += output.text
                    continue
            outputs.append(output)
        for output in outputs:
            if output.output_type == "stream":  # of a line that was written over, only its last form is kept
                output.text = re.sub(r" +(?=\n)", "", re.sub(r"[^\n]*\r(?!\n)", "", output.text))
        cell.outputs = outputs


if __name__ == "__main__":
    sys.exit(main())
