"""The TypeScript types of the contract, under the real compiler."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.integration.frontend.browser import PACKAGES, ROOT, run_node

# What a client writes, and, after each directive, what the compiler has to refuse.
USAGE = """
import type { components, operations } from "./avemotion";
type Schemas = components["schemas"];

export const request: Schemas["JobRequest"] = { video_id: "1", rules: [{ when: "anger", over: 0.6 }] };
// @ts-expect-error neither video nor audio
export const nothing: Schemas["JobRequest"] = { window_s: 2 };
// @ts-expect-error neither over nor under
export const rule: Schemas["Rule"] = { when: "anger" };

export function read(job: Schemas["JobDocument"]): number {
  if (job.error?.code === "no_face_found" || job.stage === "faces") return 0;
  // @ts-expect-error no such state
  if (job.status === "done") return 0;
  // @ts-expect-error null until the job has succeeded
  return job.summary.confidence + (job.windows[0]?.valence ?? 0);
}

export const retryAfter: number | undefined =
  ({} as operations["readJob"]["responses"][200]["headers"])["Retry-After"];
export const problem: Schemas["Problem"] =
  {} as operations["predict"]["responses"][422]["content"]["application/problem+json"];
export const name: operations["readArtifact"]["parameters"]["path"]["name"] = "timeline.csv";
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A front end with the types of the contract and the files of docs/frontend."""
    if not PACKAGES.is_dir():
        pytest.skip("the packages of tests/frontend are missing; `make test` installs them where npm can")
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "docs" / "frontend", folder, dirs_exist_ok=True)
    made = run_node(
        PACKAGES / "openapi-typescript" / "bin" / "cli.js",
        *(ROOT / "docs" / "openapi.json", "--default-non-nullable=false"),
        *("-o", folder / "avemotion.d.ts"),
    )
    assert made.returncode == 0, made.stderr
    options = {
        **dict.fromkeys(("strict", "noEmit", "allowJs", "checkJs"), True),
        "target": "es2022",
        "module": "esnext",
        "moduleResolution": "bundler",
        "jsx": "react-jsx",
        "lib": ["es2022", "dom", "dom.iterable"],
        "types": [],
        "paths": {"*": [f"{PACKAGES}/@types/*", f"{PACKAGES}/*"]},
    }
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": options, "include": ["*"]}))
    return folder


def compile_it(project: Path) -> str:
    """Return what the compiler has to say."""
    return run_node(PACKAGES / "typescript" / "bin" / "tsc", "-p", project).stdout


def test_types_say_what_the_contract_says(project: Path) -> None:
    """The types know codes, stages, nulls and conditions of requests, and refuse what the API would."""
    (project / "usage.ts").write_text(USAGE)
    assert compile_it(project) == ""


@pytest.mark.slow
def test_example_files_have_types(project: Path) -> None:
    """The files of docs/frontend are what the types say, so a change of the contract shows in them."""
    hook = project / "useJob.js"
    told = hook.read_text()
    assert compile_it(project) == ""
    hook.write_text(told.replace("job: body", "job: 5"))
    assert "useJob.js" in compile_it(project)
    hook.write_text(told)


def test_one_command_makes_them() -> None:
    """`make types` is that command, and docs/frontend.md names it for those without a checkout."""
    makefile, page = (ROOT / "Makefile").read_text(), (ROOT / "docs" / "frontend.md").read_text()
    assert "--default-non-nullable=false -o build/avemotion.d.ts" in makefile
    assert "npx openapi-typescript http://127.0.0.1:8000/openapi.json --default-non-nullable=false" in page
