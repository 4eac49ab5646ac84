//! Books with pages: fields of two families, long texts, children with copies of their parent's scope columns.

use steward_kernel::{Field, Module, Resource};

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("tests/it/library");
pub(crate) const BOOK: &str = "library.book";
pub(crate) const PAGE: &str = "library.page";
pub(crate) const PRICE: &str = "library:book:price";

pub(crate) fn module() -> Module {
    Module::new("library")
        .depends(&["identity"])
        .migrations(&MIGRATIONS)
        .labels("en", include_str!("library/en.ftl"))
        .labels("de", include_str!("library/de.ftl"))
        .resource(book())
        .resource(page())
}

/// The module of a later release: authors are found by what they are called no more, but by name.
pub(crate) fn with_another_field() -> Module {
    let mut book = book();
    book.fields.retain(|field| field.name != "author");
    Module { resources: vec![book, page()], ..module() }
}

fn book() -> Resource {
    let archivable = Resource { archivable: true, ..Resource::new(BOOK, "books", "library_book") };
    archivable
        .owner("owner_id")
        .department("department_id")
        .company("company_id")
        .field(Field::text("name").required().searchable())
        .field(Field::text("author").searchable())
        .field(Field::long_text("summary").searchable())
        .field(Field::text("price_note").searchable().permission(PRICE))
        .field(Field::long_text("appraisal").searchable().permission(PRICE))
        .customizable()
}

fn page() -> Resource {
    Resource::new(PAGE, "pages", "library_page")
        .child_of(BOOK, "book_id")
        .owner("owner_id")
        .department("department_id")
        .company("company_id")
        .title("heading")
        .field(Field::reference("book", BOOK).required())
        .field(Field::text("heading").required().searchable())
        .field(Field::long_text("body").searchable())
}
