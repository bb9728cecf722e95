"""Names, bios and posts for people who are only a number."""

import random


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FIRST = _words(
    "Amara Anton Aylin Bela Bruno Carmen Chidi Clara Daria Dev Elif Emil Esra Farid Fatou Felix Freya Gita Hana "
    "Henrik Ines Iris Ivo Jana Jonas Kaito Karim Keiko Lars Leila Lena Lior Luis Maja Malik Marta Mei Milan Mina "
    "Nadia Nils Noor Nora Olga Omar Otto Paula Pavel Priya Rafa Rosa Ruth Sami Sara Selma Sofia Stefan Tariq Tara "
    "Theo Uma Vera Viktor Wanda Yara Yusuf Zora"
)
LAST = _words(
    "Abara Acker Almeida Baker Baumann Berg Blum Castro Cohen Cooper Costa Dahl Demir Diaz Duarte Eriksen Fischer "
    "Fontaine Garcia Gruber Haddad Hansen Hoang Ito Ivanova Jansen Kaya Keller Kim Kovacs Kumar Larsen Lindqvist "
    "Lopez Maier Mbeki Mori Moreau Nagy Nakamura Novak Okafor Oliveira Park Petrov Quist Rahman Reyes Rossi Sato "
    "Schmidt Shah Silva Singh Sørensen Tanaka Toth Vogel Wagner Weiss Wolf Yilmaz Zhang"
)
LIKES = (
    "long walks", "short books", "old maps", "sourdough", "night trains", "chess at lunch", "bad puns", "tall ferns",
    "crosswords", "rainy Sundays", "loud kettles", "choir", "bicycles", "board games", "cold lakes", "small radios",
)  # fmt: skip
OPENINGS = (
    "Found a quiet corner for", "Half the street came to", "Still smiling about", "Nobody warned me about",
    "Two hours well spent on", "Looking for company for", "Finally finished", "Second attempt at", "Taking notes on",
    "Rain could not stop", "My neighbour's advice on", "Burnt the first round of",
)  # fmt: skip
SUBJECTS = (
    ("the morning swim", "swimming"), ("the chess evening", "chess"), ("the bread in the small oven", "baking"),
    ("the picnic by the canal", "picnic"), ("the choir rehearsal", "music"), ("the night train timetable", "trains"),
    ("the tomato seedlings", "garden"), ("the old bicycle", "cycling"), ("the library's map room", "maps"),
    ("the caching workshop", "caching"), ("the telescope on the roof", "stars"), ("the crossword", "puzzles"),
)  # fmt: skip
ENDINGS = (
    "Would do it again.", "Ask me tomorrow.", "Bring a jumper.", "There is cake left.", "Five stars.", "Well, almost.",
    "Who is in for Sunday?", "I blame the wind.", "Worth every step.", "Photos never do it justice.",
)  # fmt: skip
TAGGED = 0.4  # the share of posts that carry a tag


def name(number: int) -> str:
    """A display name; the first 4,000 or so people have different ones."""
    return f"{FIRST[number % len(FIRST)]} {LAST[(number // len(FIRST) + number) % len(LAST)]}"


def bio(number: int) -> str:
    likes, too = LIKES[number % len(LIKES)], LIKES[(number // len(LIKES) + number + 1) % len(LIKES)]
    return f"Number {number} of the graph. Fond of {likes}{'' if likes == too else ' and ' + too}."


def post(chance: random.Random, number: int) -> str:
    """A post that carries its number, so that no two have the same text."""
    subject, tag = chance.choice(SUBJECTS)
    words = f"{chance.choice(OPENINGS)} {subject}. {chance.choice(ENDINGS)} (post {number})"
    return f"{words} #{tag}" if chance.random() < TAGGED else words
