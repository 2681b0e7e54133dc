"""A badge number as a further factor: the operator's settings say who has which badge.

The kernel counts wrong numbers; this file asks, looks up and compares.
"""

import hashlib
import hmac
import json

from wit_world import exports
from wit_world.exports.authenticator import (
    Challenge,
    Context,
    Description,
    Element_Field,
    Event,
    Event_Form,
    Factor,
    Field,
    FieldKind,
    Identity,
    Step,
    Step_Authenticated,
    Step_Challenge,
    Step_NotEnrolled,
    Step_Unavailable,
    Text,
    Translation,
    Who_Account,
)

CONTEXT = "https://sso.example.com/contexts/badge"

# Every key in English at least.
TEXTS = {
    "en": {
        "badge.title": "Badge number",
        "badge.number": "The number on your badge",
        "badge.wrong": "That is not the number on your badge.",
    },
    "de": {
        "badge.title": "Ausweisnummer",
        "badge.number": "Die Nummer auf Ihrem Ausweis",
        "badge.wrong": "Das ist nicht die Nummer auf Ihrem Ausweis.",
    },
}

SETTINGS = {
    "type": "object",
    "additionalProperties": False,
    "required": ["badges"],
    "properties": {
        "badges": {
            "description": "By user name: the SHA-256 of the badge number, in hexadecimal.",
            "type": "object",
            "additionalProperties": {"type": "string", "minLength": 64, "maxLength": 64},
        }
    },
}


def text(key: str) -> Text:
    return Text(key, [])


def ask(error: str | None = None) -> Step:
    number = Field("number", FieldKind.TEXT, text("badge.number"), "", True, "off")
    return Step_Challenge(
        Challenge(
            title=text("badge.title"),
            elements=[Element_Field(number)],
            submit=text("sign-in.submit"),
            error=text(error) if error else None,
            state=b"",
        )
    )


def badge_of(context: Context) -> str | None:
    return json.loads(context.settings)["badges"].get(context.person.username)


def only(event: Event, name: str) -> str:
    """The value of the field that came exactly once."""
    fields = event.value if isinstance(event, Event_Form) else []
    values = [field.value for field in fields if field.name == name]
    return values[0] if len(values) == 1 else ""


class Authenticator(exports.Authenticator):
    def describe(self) -> Description:
        return Description(
            name="python-badge-lookup",
            version="1.0.0",
            title=text("badge.title"),
            factors=[Factor.POSSESSION],
            methods=["badge"],
            contexts=[CONTEXT],
            identifies=False,
            enrols=False,
            settings_schema=json.dumps(SETTINGS),
            translations=[
                Translation(language, key, value)
                for language, texts in TEXTS.items()
                for key, value in texts.items()
            ],
        )

    def begin(self, context: Context) -> Step:
        if context.person is None:
            return Step_Unavailable("it confirms somebody who is known: it is no first step")
        return ask() if badge_of(context) else Step_NotEnrolled()

    def proceed(self, context: Context, state: bytes, event: Event) -> Step:
        if context.person is None:
            return Step_Unavailable("it confirms somebody who is known: it is no first step")
        expected = badge_of(context)
        if expected is None:
            return Step_NotEnrolled()
        typed = hashlib.sha256(only(event, "number").strip().encode()).hexdigest()
        if not hmac.compare_digest(typed, expected):
            return ask("badge.wrong")
        return Step_Authenticated(Identity(Who_Account(context.person.subject), ["badge"], CONTEXT, None))
