"""Personal data, apart from everything else. Commands' bodies here are personal: nothing of them is ever logged."""

from __future__ import annotations

from services.gateway.api.route import area, command, query

ROUTES = area(
    "vault",
    command("POST", "/persons", "vault.put_person", "Записать человека", "Record a person", fresh=True),
    command("POST", "/persons/{id}/erase", "vault.erase_person", "Стереть данные человека", "Erase a person"),
    command(
        "POST",
        "/persons/readings",
        "vault.read_persons",
        "Прочитать с основанием",
        "Read persons, on a stated ground",
        fresh=True,
    ),
    query(
        "/persons/published",
        "vault.published_names",
        "Имена, которые публикует закон",
        "Names that the law publishes",
        method="POST",
        asks=True,
    ),
    query("/drafts", "vault.drafts", "Черновики своей организации", "Drafts of one's own organisation"),
    query("/drafts/{lot_id}", "vault.read_draft", "Черновик по лоту", "The draft for a lot"),
    command("POST", "/drafts", "vault.save_draft", "Начать черновик", "Begin a draft", fresh=True),
    command("PUT", "/drafts/{id}", "vault.save_draft", "Сохранить черновик", "Save a draft", name="vault.change_draft"),
    command("DELETE", "/drafts/{id}", "vault.destroy_draft", "Уничтожить черновик", "Destroy a draft"),
)
