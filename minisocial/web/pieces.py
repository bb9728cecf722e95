"""Small parts that several templates use: fields of forms, the box to write in, empty states."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from minisocial.errors import Invalid
from minisocial.web.fragments import avatar
from minisocial.web.html import Templates, day, escape


def pieces(templates: Templates) -> dict[str, Callable[..., str]]:
    """The functions templates may call, by name; each gives HTML."""

    def field(
        name: str,
        label: str,
        kept: Mapping[str, str],
        wrong: Mapping[str, str],
        *,
        type: str = "text",
        hint: str = "",
        marks: str = "",
        rows: int = 3,
    ) -> str:
        mistake = wrong.get(name, "")
        value, marks = kept.get(name, ""), marks + _describes(name, mistake, hint)
        values = {"name": name, "label": label, "value": value, "type": type, "rows": rows}
        return templates.render("field", **values, marks=marks, mistake=mistake, hint=hint)

    def composer(id: str, label: str, **more: Any) -> str:
        """`label` is HTML, so that it may have a hole."""
        values = {"button": "Post", "text": "", "visibility": "friends", "in_reply_to": "", "next": ""}
        return templates.render("composer", id=id, label=label, **{**values, "message": "", "field": "", **more})

    def blank(symbol: str, title: str, text: str, links: Sequence[tuple[str, str]]) -> str:
        return templates.render("blank", symbol=symbol, title=title, text=text, links=links)

    return {
        "field": field,
        "composer": composer,
        "blank": blank,
        "about_you": lambda kept, wrong: templates.render("about_you", kept=kept, wrong=wrong),
        "address_card": lambda **values: templates.render("address", **values),
        "cancel_button": lambda other: templates.render("cancel", other=other),
        "unblock_button": lambda other: templates.render("unblock", other=other),
        "general": general,
        "icon": icon,
        "avatar": avatar,
        "day": day,
    }


def icon(name: str) -> str:
    """A symbol of the sheet in `icons.html`; decoration, so words stand beside it."""
    return f'<svg class="i" aria-hidden="true"><use href="#i-{name}"/></svg>'


def general(wrong: Mapping[str, str], fields: Sequence[str]) -> str:
    """What is wrong with the form as a whole, or with a field it does not show."""
    lines = [message for name, message in wrong.items() if name not in fields]
    return "".join(f'<p class="mistake" role="alert">{escape(line)}</p>' for line in lines)


def mistakes(error: Invalid | None) -> dict[str, str]:
    """What is wrong, by field."""
    return {error.field: str(error)} if error else {}


def _describes(name: str, mistake: str, hint: str) -> str:
    ids = [f"{name}-{kind}" for kind, text in (("mistake", mistake), ("hint", hint)) if text]
    described = f' aria-describedby="{" ".join(ids)}"' if ids else ""
    return described + (' aria-invalid="true" autofocus' if mistake else "")
