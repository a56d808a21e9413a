"""The words the demo is made of. Everything here is invented; addresses end in example.com, which nobody owns."""

FIRST = (
    "Ada", "Ahmed", "Amara", "Ana", "Anouk", "Asger", "Beatriz", "Bram", "Camille", "Chiara", "Daan", "Dina", "Edda", "Elif",
    "Emeka", "Enzo", "Fatima", "Finn", "Freya", "Giulia", "Hana", "Hugo", "Ida", "Ilse", "Imani", "Jonas", "Juno", "Kaito",
    "Karim", "Lena", "Liam", "Lotte", "Luca", "Maja", "Marek", "Mateo", "Mina", "Nadia", "Nils", "Noor", "Olga", "Oscar",
    "Paula", "Petra", "Quinn", "Rafael", "Rosa", "Samir", "Signe", "Sofia", "Tariq", "Tove", "Uma", "Viktor", "Wanda", "Yara",
    "Yusuf", "Zofia",
)
LAST = (
    "Aalto", "Abena", "Almeida", "Arslan", "Baker", "Bianchi", "Brandt", "Cohen", "Costa", "Dahl", "Demir", "Dubois",
    "Eriksen", "Fischer", "Fontaine", "Garcia", "Haddad", "Holm", "Horvat", "Ito", "Jansen", "Kaya", "Keller", "Kowal",
    "Laine", "Lopez", "Lund", "Marino", "Meyer", "Moreau", "Nagy", "Novak", "Nowak", "Okafor", "Olsen", "Osei", "Park",
    "Patel", "Petrov", "Quist", "Rahman", "Ricci", "Rossi", "Sato", "Schmid", "Silva", "Soto", "Svensson", "Tanaka", "Tran",
    "Ueda", "Varga", "Visser", "Weber", "Winter", "Yildiz", "Young", "Zimmer",
)
COMPANIES = (
    "Atelier Nord", "Birch and Brass", "Café Lumen", "Casa Tranquila", "Fjordlys Hotel", "Harbour Rooms", "Hof am See",
    "Kontor Elf", "Lantern House", "Maison Clair", "Northlight Studio", "Osteria del Molo", "Pension Amsel", "Quiet Offices",
    "Salon Vert", "Stillwater Spa", "Studio Kvist", "The Reading Room", "Werkraum Drei", "Zimmer mit Aussicht",
)
PLACES = {   # country: (share, currency, streets, {city: how its postcodes look})
    "DE": (34, "EUR", ("Ahornweg", "Bachstraße", "Lindenallee", "Marktplatz", "Seestraße"),
           {"Berlin": "10###", "Hamburg": "20###", "Köln": "50###", "Leipzig": "04###", "München": "80###"}),
    "NL": (14, "EUR", ("Dorpsstraat", "Kerklaan", "Molenweg", "Prinsengracht"),
           {"Amsterdam": "10## AB", "Rotterdam": "30## CD", "Utrecht": "35## EF"}),
    "FR": (12, "EUR", ("rue des Lilas", "rue du Moulin", "avenue de la Gare"),
           {"Lyon": "6900#", "Nantes": "440##", "Paris": "750##"}),
    "GB": (12, "GBP", ("Church Lane", "Mill Road", "Station Road", "The Green"),
           {"Bristol": "BS# 4XY", "Leeds": "LS# 2QR", "London": "SE# 8LM"}),
    "AT": (8, "EUR", ("Am Graben", "Hauptplatz", "Schulgasse"), {"Graz": "80##", "Linz": "40##", "Wien": "1##0"}),
    "SE": (8, "SEK", ("Björkvägen", "Storgatan", "Ängsvägen"), {"Göteborg": "41# 05", "Malmö": "21# 44", "Stockholm": "11# 20"}),
    "ES": (6, "EUR", ("Calle del Sol", "Calle Mayor", "Paseo del Mar"),
           {"Barcelona": "080##", "Madrid": "280##", "Valencia": "460##"}),
    "DK": (6, "EUR", ("Havnegade", "Skovvej", "Østergade"), {"Aarhus": "8000", "København": "21##", "Odense": "50##"}),
}
LAMPS = (   # name, letters of the SKU, price in euro cents
    ("Ember table lamp", "EMB", 8900), ("Dune floor lamp", "DUN", 24900), ("Halo pendant", "HAL", 15900),
    ("Moth wall light", "MOT", 11900), ("Pebble night light", "PEB", 3900), ("Reed desk lamp", "REE", 12900),
    ("Tarn lantern", "TAR", 6900), ("Wisp string lights", "WIS", 2900), ("Drift ceiling light", "DRI", 18900),
    ("Kestrel clip lamp", "KES", 5900),
)
FINISHES = (("brass", "BR", 1.1), ("chalk", "CH", 1.0), ("charcoal", "CC", 1.0), ("moss", "MO", 1.0), ("oak", "OA", 1.2))
EXTRAS = (
    ("Linen shade, small", "SHD-S", 2900), ("Linen shade, large", "SHD-L", 4500), ("Warm bulb E27, two", "BLB-27", 1200),
    ("Warm bulb E14, two", "BLB-14", 1100), ("Braided cable, 3 m", "CBL-3", 1900), ("Dimmer, plug-in", "DIM-1", 3400),
    ("Ceiling rose, steel", "ROS-1", 1600), ("Gift box", "BOX-1", 600),
)
PLANS = (
    ("Bulb plan, quarterly", "PLAN-BULB", 1800), ("Care plan, yearly", "PLAN-CARE", 4800),
    ("Studio plan, monthly", "PLAN-STUDIO", 9900),
)
GONE = ("MOT-MO", "KES-OA")      # not sold any more
CHANNELS = (("webshop", 72), ("marketplace", 16), ("phone", 7), ("showroom", 5))
METHODS = (("card", 62), ("sepa_debit", 14), ("paypal", 14), ("klarna", 10))
CARRIERS = (("Parcelway", "PW"), ("Nordpost", "NP"), ("Swiftline", "SL"), ("Cargo Swan", "CS"))
NOTES = (
    "Leave it with the neighbour on the left.", "Ring twice, the bell is quiet.", "It is a present: no price in the parcel.",
    "Goods entrance at the back, until 16:00.", "The customer asked for delivery after the 15th.", "Care of the reception.",
)
RATES = {"EUR": 1.0, "GBP": 0.85, "SEK": 11.2}   # what a price in euro is multiplied by
TEAM = (
    ("vera@example.com", "Vera Lund", "manager"), ("omar@example.com", "Omar Haddad", "operator"),
    ("tess@example.com", "Tess Keller", "operator"), ("ravi@example.com", "Ravi Patel", "viewer"),
)
