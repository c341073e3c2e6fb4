"""Measured costs as text."""

from __future__ import annotations

from bench.scaling.costs import MEDIA_STAGES, Measured

MIB = 1024**2


def tables(measured: Measured) -> str:
    """Return the tables of ``docs/scaling.md``."""
    return "\n\n".join(
        (stage_table(measured), model_table(measured), server_table(measured), idle_table(measured))
    )


def grid(rows: list[list[str]]) -> str:
    """Return rows as a Markdown table; the first is its head."""
    head, *body = rows
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def stage_table(measured: Measured) -> str:
    """Return the processor seconds of each stage, of a clip and of a second of media."""
    rows = [["clip", *MEDIA_STAGES, "together", "a second of media", "stored meanwhile"]]
    for name, clip in measured.clips.items():
        rows.append(
            [
                name.replace("-", ", ").replace("s,", " s,"),
                *(f"{clip.stages[stage].cpu_s:.3f} s" for stage in MEDIA_STAGES),
                f"{clip.stages_s:.2f} s",
                f"{clip.stages_s / clip.seconds:.3f} s",
                f"{clip.written_bytes / MIB:.1f} MiB",
            ]
        )
    return grid(rows)


def model_table(measured: Measured) -> str:
    """Return the processor seconds of each model, a window and a second of media."""
    rows = [["model", "a window alone", "one of several", "a second of media"]]
    for name, model in measured.models.items():
        alone, several = model.window_s[min(model.window_s)], model.window_s[max(model.window_s)]
        rows.append([f"`{name}`", f"{alone:.3f} s", f"{several:.3f} s", f"{several / 2:.3f} s"])
    return grid(rows)


def server_table(measured: Measured) -> str:
    """Return what a job costs the servers and the processes around the stages."""
    names = list(measured.clips)
    rows = [["a job costs", *(name.replace("-", ", ").replace("s,", " s,") for name in names)]]
    servers = [measured.clips[name].servers for name in names]

    def row(what: str, *cells: str) -> None:
        rows.append([what, *cells])

    for role, what in (
        ("api", "API (POST, GET)"),
        ("media", "media worker"),
        ("inference", "inference worker"),
    ):
        row(
            f"{what}: transactions, statements",
            *(f"{each.roles[role].transactions:.1f}, {each.roles[role].statements:.1f}" for each in servers),
        )
    row("PostgreSQL: processor", *(f"{each.database_s * 1000:.1f} ms" for each in servers))
    row(
        "PostgreSQL: planning and running statements",
        *(
            f"{sum(cost.executing_s for role, cost in each.roles.items() if role != 'janitor') * 1000:.1f} ms"
            for each in servers
        ),
    )
    row("PostgreSQL: written ahead", *(f"{each.wal_bytes / 1024:.0f} KiB" for each in servers))
    row("PostgreSQL: rows kept", *(f"{each.row_bytes / 1024:.1f} KiB" for each in servers))
    row("Valkey: commands", *(f"{each.broker_commands:.1f}" for each in servers))
    row("Valkey: processor", *(f"{each.broker_s * 1000:.2f} ms" for each in servers))
    row("API: processor", *(f"{each.roles['api'].cpu_s * 1000:.1f} ms" for each in servers))
    row(
        "media worker beyond the stages: processor",
        *(f"{(clip.media_s - clip.stages_s) * 1000:.0f} ms" for clip in measured.clips.values()),
    )
    row("storage: kept after the end", *(f"{each.kept_bytes / MIB:.2f} MiB" for each in servers))
    return grid(rows)


def idle_table(measured: Measured) -> str:
    """Return what each kind of process holds, and does without work."""
    rows = [
        [
            "process",
            "connections to PostgreSQL",
            "to Valkey",
            "statements a second without work",
            "processor without work",
        ]
    ]
    for role, hold in measured.idle.roles.items():
        rows.append(
            [
                role,
                f"{hold.all_connections} (at most {hold.connections} a process)",
                str(hold.broker_connections),
                f"{hold.a_second.statements:.1f}",
                f"{hold.a_second.cpu_s:.1%}",
            ]
        )
    return grid(rows)
