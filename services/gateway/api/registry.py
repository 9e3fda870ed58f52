"""The register of providers, importing one, and the catalogue of services."""

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
    query("/register/licences", "registry.licences_ending", "Лицензии, срок которых подходит", "Licences that end"),
    command("POST", "/providers/{id}/licences", "registry.record_licence", "Внести лицензию", "Record a licence"),
    command(
        "POST",
        "/providers/{id}/licences/{licence_id}/remove",
        "registry.remove_licence",
        "Исключить лицензию",
        "Remove a licence",
    ),
    command("POST", "/providers/{id}/staff", "registry.state_staff", "Указать персонал", "State the staff"),
    command("POST", "/providers/{id}/experience", "registry.state_experience", "Указать опыт", "State the experience"),
    command(
        "POST", "/providers/{id}/inspections", "registry.record_inspection", "Записать проверку", "Record an inspection"
    ),
    command("POST", "/providers/{id}/flags", "registry.set_flags", "Указать признаки", "Set the flags"),
    command("POST", "/providers/{id}/documents", "registry.attach_document", "Приложить документ", "Attach a document"),
    query("/providers/{id}/documents/{hash}", "registry.document", "Документ карточки", "A card's document"),
    query("/catalogue", "registry.catalogue", "Каталог услуг", "The catalogue of services"),
    query("/catalogue/{code}", "registry.service", "Услуга и её версии", "A service and its versions"),
    query(
        "/catalogue/{code}/cost",
        "registry.cost",
        "Нормативные затраты на дату",
        "What units of a service cost on a day",
    ),
    command("POST", "/catalogue/{code}", "registry.list_service", "Внести услугу", "Put a service into the catalogue"),
    command(
        "POST", "/catalogue/{code}/standards", "registry.prepare_standard", "Подготовить стандарт", "Prepare a standard"
    ),
    command(
        "POST",
        "/catalogue/{code}/standards/{number}/approve",
        "registry.approve_standard",
        "Утвердить стандарт",
        "Approve a standard",
    ),
    command("POST", "/catalogue/{code}/costs", "registry.prepare_cost", "Подготовить затраты", "Prepare a cost"),
    command(
        "POST",
        "/catalogue/{code}/costs/{number}/approve",
        "registry.approve_cost",
        "Утвердить затраты",
        "Approve a cost",
    ),
    command("POST", "/catalogue/{code}/close", "registry.close_service", "Закрыть услугу", "Close a service"),
    query("/calculations/{id}", "registry.calculation", "Расчёт затрат", "A calculation"),
    command(
        "POST",
        "/calculations",
        "registry.calculate_cost",
        "Рассчитать и сохранить",
        "Calculate and keep",
        creates="/calculations/{id}",
    ),
    query("/proposals", "registry.proposals", "Предложения новых услуг", "Proposals of new services"),
    query("/proposals/{id}", "registry.proposal", "Предложение и его ход", "A proposal and its steps"),
    command(
        "POST",
        "/proposals",
        "registry.propose_service",
        "Предложить услугу",
        "Propose a service",
        creates="/proposals/{id}",
    ),
    command("POST", "/proposals/{id}/experts", "registry.ask_experts", "Назначить экспертов", "Ask experts"),
    command("POST", "/proposals/{id}/opinion", "registry.give_opinion", "Дать заключение", "Give an opinion"),
    command("POST", "/proposals/{id}/return", "registry.return_proposal", "Вернуть предложение", "Return a proposal"),
    command("POST", "/proposals/{id}/approve", "registry.approve_proposal", "Принять предложение", "Approve it"),
    command("POST", "/proposals/{id}/refuse", "registry.refuse_proposal", "Отклонить предложение", "Refuse it"),
    command("POST", "/proposals/{id}/withdraw", "registry.withdraw_proposal", "Отозвать предложение", "Withdraw it"),
    query("/consortia", "registry.consortia", "Консорциумы", "Consortia"),
    query("/consortia/{id}", "registry.consortium", "Консорциум и его участники", "A consortium and its members"),
    command(
        "POST",
        "/consortia",
        "registry.form_consortium",
        "Образовать консорциум",
        "Form a consortium",
        creates="/consortia/{id}",
    ),
    command("POST", "/consortia/{id}/consent", "registry.consent_to_consortium", "Дать согласие", "Consent"),
    command("POST", "/consortia/{id}/decline", "registry.decline_consortium", "Отказаться", "Decline"),
    command(
        "POST",
        "/consortia/{id}/replacement",
        "registry.propose_replacement",
        "Предложить замену участника",
        "Propose a replacement",
    ),
    command("POST", "/consortia/{id}/dissolve", "registry.dissolve_consortium", "Распустить консорциум", "Dissolve it"),
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
