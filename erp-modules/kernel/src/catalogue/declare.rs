//! Builders for declarations: how a module's author writes fields, resources, commands and reports.

use super::{
    Aggregate, CommandSpec, Field, Kind, Measure, Name, NamedFilter, Parent, ReportSpec, Resource, RightsChange, Risk, ScopeColumns, Sensitivity, Subject,
};

impl Field {
    fn new(name: impl Into<Name>, kind: Kind) -> Self {
        let name = name.into();
        Self {
            column: name.clone(),
            name,
            kind,
            required: false,
            sortable: false,
            filterable: true,
            prefix_column: None,
            searchable: false,
            permission: None,
            sensitivity: Sensitivity::Normal,
            in_list: false,
            custom: false,
            label: None,
            writable: false,
            default: None,
            sort_column: None,
            own_words: false,
        }
    }
    /// One line of up to 200 characters.
    pub fn text(name: impl Into<Name>) -> Self {
        Self::new(name, Kind::Text { max: 200, multiline: false })
    }
    /// Several lines, up to 10,000 characters; not filterable.
    pub fn long_text(name: impl Into<Name>) -> Self {
        Self { filterable: false, ..Self::new(name, Kind::Text { max: 10_000, multiline: true }) }
    }
    pub fn boolean(name: impl Into<Name>) -> Self {
        Self::new(name, Kind::Boolean)
    }
    pub fn integer(name: impl Into<Name>) -> Self {
        Self::new(name, Kind::Integer)
    }
    pub fn decimal(name: impl Into<Name>) -> Self {
        Self::new(name, Kind::Decimal)
    }
    /// Its currency stands in the column `currency` unless [`Self::currency`] says otherwise.
    pub fn money(name: impl Into<Name>) -> Self {
        Self::new(name, Kind::Money { currency: "currency".into() })
    }
    /// Its unit stands in the column `unit` unless [`Self::unit`] says otherwise.
    pub fn quantity(name: impl Into<Name>) -> Self {
        Self::new(name, Kind::Quantity { unit: "unit".into() })
    }
    pub fn date(name: impl Into<Name>) -> Self {
        Self::new(name, Kind::Date)
    }
    pub fn timestamp(name: impl Into<Name>) -> Self {
        Self::new(name, Kind::Timestamp)
    }
    pub fn choice(name: impl Into<Name>, choices: &[&'static str]) -> Self {
        Self::new(name, Kind::Choice(choices.iter().map(|choice| Name::from(*choice)).collect()))
    }
    /// The wire name has no `_id`; the column is `{name}_id`.
    pub fn reference(name: impl Into<Name>, resource: impl Into<Name>) -> Self {
        let name = name.into();
        let column = format!("{name}_id").into();
        Self { column, ..Self::new(name, Kind::Reference(resource.into())) }
    }
    pub fn lines(name: impl Into<Name>, fields: Vec<Self>) -> Self {
        Self { filterable: false, ..Self::new(name, Kind::Lines(fields)) }
    }
    pub fn texts(name: impl Into<Name>) -> Self {
        Self { filterable: false, ..Self::new(name, Kind::Texts) }
    }

    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }
    #[must_use]
    pub fn column(mut self, column: impl Into<Name>) -> Self {
        self.column = column.into();
        self
    }
    /// NOT NULL, with an index `(tenant_id, column, id)`.
    #[must_use]
    pub fn sortable(mut self) -> Self {
        self.sortable = true;
        self
    }
    /// Sorted by another stored column: a bigint for money.
    #[must_use]
    pub fn sort_by(mut self, column: impl Into<Name>) -> Self {
        self.sortable = true;
        self.sort_column = Some(column.into());
        self
    }
    #[must_use]
    pub fn not_filterable(mut self) -> Self {
        self.filterable = false;
        self
    }
    /// `starts` is served by this stored, folded column.
    #[must_use]
    pub fn prefix(mut self, column: impl Into<Name>) -> Self {
        self.prefix_column = Some(column.into());
        self
    }
    #[must_use]
    pub fn searchable(mut self) -> Self {
        self.searchable = true;
        self
    }
    #[must_use]
    pub fn permission(mut self, permission: impl Into<Name>) -> Self {
        self.permission = Some(permission.into());
        self
    }
    #[must_use]
    pub fn personal(mut self) -> Self {
        self.sensitivity = Sensitivity::Personal;
        self
    }
    #[must_use]
    pub fn in_list(mut self) -> Self {
        self.in_list = true;
        self
    }
    /// An address to which something is sent or paid: as an input filled from the person's own words only, never from a text
    /// that an assistant read.
    #[must_use]
    pub fn own_words(mut self) -> Self {
        self.own_words = true;
        self
    }
    #[must_use]
    pub fn writable(mut self) -> Self {
        self.writable = true;
        self
    }
    #[must_use]
    pub fn default(mut self, value: impl Into<Name>) -> Self {
        self.default = Some(value.into());
        self
    }
    #[must_use]
    pub fn max(mut self, max: u32) -> Self {
        if let Kind::Text { max: bound, .. } = &mut self.kind {
            *bound = max;
        }
        self
    }
    #[must_use]
    pub fn currency(mut self, column: impl Into<Name>) -> Self {
        self.kind = Kind::Money { currency: column.into() };
        self
    }
    #[must_use]
    pub fn unit(mut self, column: impl Into<Name>) -> Self {
        self.kind = Kind::Quantity { unit: column.into() };
        self
    }
}

impl Resource {
    /// `Resource::new("sales.order", "orders", "sales_order")`; readable with `sales:order:read`, sorted by `-created_at`.
    /// The fields `id`, `version`, `created_at` and `updated_at` come by themselves.
    pub fn new(name: &'static str, plural: &'static str, table: &'static str) -> Self {
        Self {
            name: name.into(),
            plural: plural.into(),
            table: table.into(),
            permission: format!("{}:read", name.replacen('.', ":", 1)).into(),
            fields: vec![Field::timestamp("created_at").required().sortable(), Field::timestamp("updated_at").required()],
            title: "name".into(),
            scope: ScopeColumns::default(),
            subject: None,
            measures: vec![Measure { name: "count".into(), aggregate: Aggregate::Count, only: Vec::new(), date: None, permission: None }],
            filters: Vec::new(),
            parent: None,
            sort: "-created_at".into(),
            create: None,
            update: None,
            archive: None,
            archivable: false,
            customizable: false,
            menu: true,
        }
    }
    #[must_use]
    pub fn field(mut self, field: Field) -> Self {
        self.fields.push(field);
        self
    }
    #[must_use]
    pub fn title(mut self, field: &'static str) -> Self {
        self.title = field.into();
        self
    }
    /// Rows belong to an owner (own, team).
    #[must_use]
    pub fn owner(mut self, column: &'static str) -> Self {
        self.scope.owner = Some(column.into());
        self
    }
    #[must_use]
    pub fn department(mut self, column: &'static str) -> Self {
        self.scope.department = Some(column.into());
        self
    }
    #[must_use]
    pub fn company(mut self, column: &'static str) -> Self {
        self.scope.company = Some(column.into());
        self
    }
    /// Rows that name neither owner nor department nor company are for every reader, and one's own for oneself. The table needs
    /// `app.open_unplaced` and, if its rows have owners, `app.open_own`.
    #[must_use]
    pub fn open_unplaced(mut self) -> Self {
        self.scope.open = true;
        self
    }
    /// Rows may hang on a record of another resource, and then are readable only by who may read that record as well. The
    /// table needs `app.hang`.
    #[must_use]
    pub fn hangs_on(mut self, resource_column: &'static str, id_column: &'static str) -> Self {
        self.subject = Some(Subject { resource: resource_column.into(), id: id_column.into() });
        self
    }
    #[must_use]
    pub fn measure(mut self, measure: Measure) -> Self {
        self.measures.push(measure);
        self
    }
    /// A condition with a name: `filter[{name}]=true`.
    #[must_use]
    pub fn named_filter(mut self, name: &'static str, predicate: &'static str) -> Self {
        self.filters.push(NamedFilter { name: name.into(), predicate: predicate.into() });
        self
    }
    /// Lines of a document, readable with the document's permission; not in the menu.
    #[must_use]
    pub fn child_of(mut self, resource: &'static str, column: &'static str) -> Self {
        self.parent = Some(Parent { resource: resource.into(), column: column.into() });
        self.permission = format!("{}:read", resource.replacen('.', ":", 1)).into();
        self.menu = false;
        self
    }
    #[must_use]
    pub fn sort(mut self, sort: &'static str) -> Self {
        self.sort = sort.into();
        self
    }
    #[must_use]
    pub fn create(mut self, command: &'static str) -> Self {
        self.create = Some(command.into());
        self
    }
    #[must_use]
    pub fn update(mut self, command: &'static str) -> Self {
        self.update = Some(command.into());
        self
    }
    #[must_use]
    pub fn archive(mut self, command: &'static str) -> Self {
        self.archive = Some(command.into());
        self.archivable = true;
        self
    }
    #[must_use]
    pub fn customizable(mut self) -> Self {
        self.customizable = true;
        self
    }
    #[must_use]
    pub fn hidden(mut self) -> Self {
        self.menu = false;
        self
    }
}

impl Measure {
    fn new(name: &'static str, aggregate: Aggregate) -> Self {
        Self { name: name.into(), aggregate, only: Vec::new(), date: None, permission: None }
    }
    pub fn count(name: &'static str) -> Self {
        Self::new(name, Aggregate::Count)
    }
    pub fn sum(name: &'static str, column: &'static str) -> Self {
        Self::new(name, Aggregate::Sum { column: column.into(), currency: None })
    }
    /// A sum of money, by the currency in the column `currency`.
    pub fn sum_money(name: &'static str, column: &'static str) -> Self {
        Self::new(name, Aggregate::Sum { column: column.into(), currency: Some("currency".into()) })
    }
    pub fn average_money(name: &'static str, column: &'static str) -> Self {
        Self::new(name, Aggregate::Average { column: column.into(), currency: Some("currency".into()) })
    }
    pub fn average(name: &'static str, column: &'static str) -> Self {
        Self::new(name, Aggregate::Average { column: column.into(), currency: None })
    }
    pub fn max(name: &'static str, column: &'static str) -> Self {
        Self::new(name, Aggregate::Max { column: column.into() })
    }
    pub fn min(name: &'static str, column: &'static str) -> Self {
        Self::new(name, Aggregate::Min { column: column.into() })
    }
    /// Only rows whose `path` (a field, or a field of a reference as `order.status`) is one of these count.
    #[must_use]
    pub fn only(mut self, path: &'static str, values: &[&'static str]) -> Self {
        self.only.push((path.into(), values.iter().map(|value| Name::from(*value)).collect()));
        self
    }
    /// The date that its periods mean: a field, or a field of a reference as `order.order_date`.
    #[must_use]
    pub fn date(mut self, path: &'static str) -> Self {
        self.date = Some(path.into());
        self
    }
    #[must_use]
    pub fn permission(mut self, permission: &'static str) -> Self {
        self.permission = Some(permission.into());
        self
    }
}

impl CommandSpec {
    /// `sales.order.confirm` acts on `sales.order` and needs `sales:order:confirm`.
    pub fn new(name: &'static str) -> Self {
        let resource = name.rsplit_once('.').map_or(name, |(resource, _)| resource);
        Self {
            name: name.into(),
            resource: resource.into(),
            target: None,
            permission: name.replacen('.', ":", 1).replacen('.', ":", 1).into(),
            flag: None,
            risk: Risk::Low,
            inputs: Vec::new(),
            undo: None,
            calls: Vec::new(),
            asks: Vec::new(),
            company: None,
            duplicate_guard: Vec::new(),
            when: Vec::new(),
            internal: false,
            customizable: false,
            changes_rights: RightsChange::None,
        }
    }
    /// Acts on one record: the required input `name` refers to the command's resource and is the `{id}` of the route.
    #[must_use]
    pub fn target(mut self, name: &'static str) -> Self {
        self.target = Some(name.into());
        let resource = self.resource.clone();
        self.inputs.insert(0, Field { column: name.into(), ..Field::reference(name, resource).required() });
        self
    }
    #[must_use]
    pub fn input(mut self, field: Field) -> Self {
        self.inputs.push(field);
        self
    }
    #[must_use]
    pub fn inputs(mut self, fields: impl IntoIterator<Item = Field>) -> Self {
        self.inputs.extend(fields);
        self
    }
    #[must_use]
    pub fn permission(mut self, permission: &'static str) -> Self {
        self.permission = permission.into();
        self
    }
    #[must_use]
    pub fn flag(mut self, flag: &'static str) -> Self {
        self.flag = Some(flag.into());
        self
    }
    #[must_use]
    pub fn risk(mut self, risk: Risk) -> Self {
        self.risk = risk;
        self
    }
    #[must_use]
    pub fn undo(mut self, command: &'static str) -> Self {
        self.undo = Some(command.into());
        self
    }
    /// Calls `command` of another module in its transaction.
    #[must_use]
    pub fn calls(mut self, command: &'static str) -> Self {
        self.calls.push(command.into());
        self
    }
    /// Asks the query `query` of another module.
    #[must_use]
    pub fn asks(mut self, query: &'static str) -> Self {
        self.asks.push(query.into());
        self
    }
    /// Called by another command, it works for the company that the input `name` says and for no other: rows of others are
    /// refused, and the caller must hold a document of that company.
    #[must_use]
    pub fn for_company(mut self, name: &'static str) -> Self {
        self.company = Some(name.into());
        self
    }
    /// Adds the input `allow_duplicate`; the handler checks.
    #[must_use]
    pub fn duplicate_guard(mut self, inputs: &[&'static str]) -> Self {
        self.duplicate_guard = inputs.iter().map(|input| Name::from(*input)).collect();
        self.inputs.push(Field::boolean("allow_duplicate"));
        self
    }
    /// Makes sense only in these states of the target's field `status`.
    #[must_use]
    pub fn when(mut self, states: &[&'static str]) -> Self {
        self.when = states.iter().map(|state| Name::from(*state)).collect();
        self
    }
    /// For nested calls and as the undo of another command: no door offers it.
    #[must_use]
    pub fn internal(mut self) -> Self {
        self.internal = true;
        self
    }
    /// Changes what many may do: runs alone among the tenant's writes.
    #[must_use]
    pub fn changes_rights(mut self) -> Self {
        self.changes_rights = RightsChange::OfMany;
        self
    }
    /// Changes what one user may do: waits for that user's writes, which the handler locks out.
    #[must_use]
    pub fn changes_rights_of_user(mut self) -> Self {
        self.changes_rights = RightsChange::OfUser;
        self
    }
    /// Takes the tenant's custom fields of the resource as the input `custom`.
    #[must_use]
    pub fn customizable(mut self) -> Self {
        self.customizable = true;
        self
    }
}

impl ReportSpec {
    /// `sales.backlog` needs `sales:backlog:read`.
    pub fn new(name: &'static str) -> Self {
        Self { name: name.into(), permission: format!("{}:read", name.replace('.', ":")).into(), parameters: Vec::new(), columns: Vec::new() }
    }
    #[must_use]
    pub fn permission(mut self, permission: &'static str) -> Self {
        self.permission = permission.into();
        self
    }
    #[must_use]
    pub fn parameter(mut self, field: Field) -> Self {
        self.parameters.push(field);
        self
    }
    #[must_use]
    pub fn column(mut self, field: Field) -> Self {
        self.columns.push(field);
        self
    }
}
