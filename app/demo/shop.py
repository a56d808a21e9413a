"""What an invented lamp shop did in the last ninety days: the same seed makes the same shop."""
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from app.demo import words

T = TypeVar("T")
Values = dict[str, Any]
DAYS = 90
FIRST_NUMBER = 10001
HOURS = (1, 1, 0, 0, 0, 0, 1, 3, 5, 7, 8, 8, 9, 8, 7, 7, 7, 8, 9, 10, 11, 9, 6, 3)   # how busy each hour of a day is
SENT = {                                        # how a parcel can stand, by the status of its order
    "packing": (("label_made", 1),),
    "shipped": (("in_transit", 90), ("held_up", 8), ("lost", 2)),
    "delivered": (("delivered", 1),),
    "returned": (("sent_back", 1),),
}


@dataclass
class Shop:
    """Everything in it, as values for the gate, in the order it came to be."""

    customers: list[Values] = field(default_factory=list)
    products: list[Values] = field(default_factory=list)
    orders: list[Values] = field(default_factory=list)
    payments: list[Values] = field(default_factory=list)
    deliveries: list[Values] = field(default_factory=list)
    subscriptions: list[Values] = field(default_factory=list)


def build(orders: int, seed: int, now: datetime | None = None) -> Shop:
    """A shop with so many orders, none of them later than `now`."""
    made = Shop()
    dice = random.Random(seed)  # noqa: S311 — nothing here is a secret
    until = (now or datetime.now(UTC)).replace(second=0, microsecond=0)
    made.products = list(_products())
    made.customers = list(_customers(dice, max(12, orders * 2 // 5)))
    for number, placed_at in enumerate(_moments(dice, orders, until), FIRST_NUMBER):
        order = _order(dice, made, number, placed_at, until)
        made.orders.append(order)
        made.payments += _payments(dice, order)
        made.deliveries += _deliveries(dice, order)
    made.subscriptions = list(_subscriptions(dice, made, max(6, orders // 25), until))
    return made


def _products() -> Iterator[Values]:
    for name, letters, cents in words.LAMPS:
        for finish, code, factor in words.FINISHES:
            yield _product(f"{letters}-{code}", f"{name}, {finish}", round(cents * factor / 100) * 100)
    for name, sku, cents in (*words.EXTRAS, *words.PLANS):
        yield _product(sku, name, cents)


def _product(sku: str, name: str, cents: int) -> Values:
    return {"sku": sku, "name": name, "price_minor": cents, "currency": "EUR", "is_active": sku not in words.GONE}


def _customers(dice: random.Random, count: int) -> Iterator[Values]:
    taken: set[str] = set()
    while len(taken) < count:
        first, last = dice.choice(words.FIRST), dice.choice(words.LAST)
        name, company = f"{first} {last}", dice.choice(words.COMPANIES) if dice.random() < 0.15 else None
        email = _plain(f"{first}.{last}@example.com")
        if email in taken:
            email = email.replace("@", f"{len(taken)}@")
        taken.add(email)
        country = _weighed(dice, [(country, place[0]) for country, place in words.PLACES.items()])
        yield {"email": email, "name": name, "company": company, "country": country, "phone": _phone(dice)}


def _order(dice: random.Random, made: Shop, number: int, placed_at: datetime, now: datetime) -> Values:
    customer = made.customers[int(len(made.customers) * dice.random() ** 1.6)]   # some come back often
    _, currency, streets, cities = words.PLACES[customer["country"]]
    city, postcode = dice.choice(list(cities.items()))
    lines = _lines(dice, made.products, currency)
    status = _status(dice, now - placed_at)
    return {
        "number": str(number), "customer": customer["email"], "status": status, "payment_status": _payment_status(dice, status),
        "channel": _weighed(dice, words.CHANNELS), "currency": currency, "placed_at": placed_at,
        "total_minor": sum(line["quantity"] * line["unit_price_minor"] for line in lines), "lines": lines,
        "street": f"{dice.choice(streets)} {dice.randint(1, 140)}", "city": city, "country": customer["country"],
        "postcode": "".join(str(dice.randint(0, 9)) if letter == "#" else letter for letter in postcode),
        "phone": customer["phone"], "weight": sum(line["quantity"] for line in lines) * dice.randint(3, 30) * 100,
        "note": dice.choice(words.NOTES) if dice.random() < 0.06 else None,
    }


def _lines(dice: random.Random, products: Sequence[Values], currency: str) -> list[Values]:
    goods = [product for product in products if not product["sku"].startswith("PLAN")]
    chosen = dice.sample(goods, _weighed(dice, ((1, 58), (2, 27), (3, 11), (5, 4))))
    return [{"product": product["sku"], "quantity": _weighed(dice, ((1, 80), (2, 15), (4, 5))),
             "unit_price_minor": round(product["price_minor"] * words.RATES[currency])} for product in chosen]


def _status(dice: random.Random, age: timedelta) -> str:
    if age < timedelta(hours=20):
        return _weighed(dice, (("placed", 70), ("packing", 22), ("draft", 6), ("cancelled", 2)))
    if age < timedelta(days=3):
        return _weighed(dice, (("packing", 38), ("shipped", 52), ("placed", 6), ("cancelled", 4)))
    if age < timedelta(days=8):
        return _weighed(dice, (("shipped", 46), ("delivered", 50), ("cancelled", 3), ("returned", 1)))
    return _weighed(dice, (("delivered", 91), ("returned", 4), ("cancelled", 4), ("shipped", 1)))


def _payment_status(dice: random.Random, status: str) -> str:
    if status == "draft":
        return "pending"
    if status == "cancelled":
        return _weighed(dice, (("failed", 45), ("refunded", 55)))
    if status == "returned":
        return _weighed(dice, (("refunded", 85), ("part_refunded", 15)))
    if status == "placed":
        return _weighed(dice, (("paid", 74), ("authorised", 14), ("pending", 12)))
    return _weighed(dice, (("paid", 955), ("part_refunded", 30), ("disputed", 15)))


def _payments(dice: random.Random, order: Values) -> Iterator[Values]:
    status, total = order["payment_status"], order["total_minor"]
    if order["status"] == "draft":
        return
    if status == "paid" and dice.random() < 0.03:   # the first try did not go through
        yield _payment(dice, order, "failed", total, 0)
    back = total if status == "refunded" else round(total * dice.choice((0.2, 0.25, 0.5))) if status == "part_refunded" else 0
    yield _payment(dice, order, status, total, back)


def _payment(dice: random.Random, order: Values, status: str, total: int, back: int) -> Values:
    return {"external_id": f"pi_{_letters(dice, 24)}", "order": order["number"], "amount_minor": total, "refunded_minor": back,
            "currency": order["currency"], "status": status, "method": _weighed(dice, words.METHODS), "at": order["placed_at"]}


def _deliveries(dice: random.Random, order: Values) -> Iterator[Values]:
    sent = SENT.get(order["status"])
    if sent is None or (order["status"] == "packing" and dice.random() < 0.4):
        return
    carrier, letters = dice.choice(words.CARRIERS)
    number = f"{letters}{dice.randint(10**9, 10**10 - 1)}"
    yield {"tracking_number": number, "order": order["number"], "carrier": carrier, "status": _weighed(dice, sent),
           "external_id": f"shp_{number}" if letters == "PW" else None,      # Parcelway reports to us
           "eta": (order["placed_at"] + timedelta(days=dice.randint(3, 6))).date()}


def _subscriptions(dice: random.Random, made: Shop, count: int, now: datetime) -> Iterator[Values]:
    for customer in dice.sample(made.customers, min(count, len(made.customers))):
        _, sku, cents = dice.choice(words.PLANS)
        status = _weighed(dice, (("active", 76), ("trial", 8), ("past_due", 7), ("paused", 3), ("ended", 6)))
        yield {"external_id": f"sub_{_letters(dice, 24)}", "customer": customer["email"], "product": sku, "status": status,
               "amount_minor": cents, "currency": "EUR",
               "renews_at": None if status == "ended" else (now + timedelta(days=dice.randint(1, 90))).date()}


def _moments(dice: random.Random, count: int, until: datetime) -> list[datetime]:
    """Busier in the evening, busier from week to week, and the newest a few minutes old."""
    found: list[datetime] = []
    while len(found) < count:
        day = until - timedelta(days=int(DAYS * dice.random() ** 1.25))
        at = day.replace(hour=dice.choices(range(24), HOURS)[0], minute=dice.randint(0, 59))
        if at <= until - timedelta(minutes=3):
            found.append(at)
    return sorted(found)


def _weighed(dice: random.Random, choices: Sequence[tuple[T, int]]) -> T:
    return dice.choices([choice for choice, _ in choices], [weight for _, weight in choices])[0]


def _letters(dice: random.Random, count: int) -> str:
    return "".join(dice.choices("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789", k=count))


def _phone(dice: random.Random) -> str:
    return f"+00 555 {dice.randint(100, 999)} {dice.randint(1000, 9999)}"   # +00 is nobody's


def _plain(text: str) -> str:
    return text.casefold().replace(" ", ".")
