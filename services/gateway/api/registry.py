"""The register of providers, and importing one."""

from __future__ import annotations

from services.gateway.api.route import area, command, query

ROUTES = area(
    "registry",
    query("/providers", "registry.providers", "Реестр: поиск", "The register: search"),
    query("/providers/{id}", "registry.provider", "Карточка с историей решений", "A card with its decisions"),
    query("/register/figures", "registry.figures", "Сколько записей", "How many entries"),
    query("/register/grounds", "registry.grounds", "Основания решений и сроки", "Grounds of decisions, and terms"),
    query("/register/applications", "registry.applications", "Очередь заявлений", "The queue of applications"),
    command(
        "POST",
        "/providers",
        "registry.apply_to_register",
        "Подать заявление",
        "Apply to the register",
        creates="/providers/{id}",
        own=True,
    ),
    command("PATCH", "/providers/{id}", "registry.change_card", "Изменить карточку", "Change the card"),
    command("POST", "/providers/{id}/check", "registry.check_application", "Формальная проверка", "Formal check"),
    command(
        "POST", "/providers/{id}/return", "registry.return_application", "Вернуть заявление", "Return an application"
    ),
    command(
        "POST", "/providers/{id}/include", "registry.include_provider", "Включить в реестр", "Include in the register"
    ),
    command(
        "POST", "/providers/{id}/refuse", "registry.refuse_provider", "Отказать с причинами", "Refuse with reasons"
    ),
    command("POST", "/providers/{id}/suspend", "registry.suspend_provider", "Приостановить", "Suspend an entry"),
    command(
        "POST",
        "/providers/{id}/remedy",
        "registry.report_remedy",
        "Сообщить об устранении нарушений",
        "Report a remedy of the violations",
    ),
    command(
        "POST",
        "/providers/{id}/uphold",
        "registry.uphold_suspension",
        "Оставить приостановленным",
        "Uphold the suspension",
    ),
    command("POST", "/providers/{id}/restore", "registry.restore_provider", "Возобновить", "Restore an entry"),
    command("POST", "/providers/{id}/exclude", "registry.exclude_provider", "Исключить", "Exclude from the register"),
    command("POST", "/providers/{id}/withdraw", "registry.withdraw_provider", "Выйти из реестра", "Leave the register"),
    query("/imports", "registry.import_batches", "Загруженные файлы", "Imported files"),
    query("/imports/{batch_id}", "registry.import_report", "Отчёт по строкам", "A report, row by row"),
    command(
        "POST", "/imports", "registry.start_import", "Начать загрузку файла", "Start an import", creates="/imports/{id}"
    ),
    command(
        "PUT",
        "/imports/{batch_id}/rows/{number}",
        "registry.take_import_row",
        "Принять строку",
        "Take a row",
    ),
    command(
        "POST",
        "/imports/rows/{row_id}/complete",
        "registry.complete_import_row",
        "Сделать из строки заявление",
        "Make an application of a row",
    ),
    command("POST", "/imports/rows/{id}/drop", "registry.drop_import_row", "Отбросить строку", "Drop a row"),
)
