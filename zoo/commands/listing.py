from zoo import cards, tables


def list_models(options):
    print(tables.format_cards(cards.cards()))
