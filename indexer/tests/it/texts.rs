//! The texts of records, read as the system and as somebody with fewer rights.

use crate::app::App;
use crate::library::{BOOK, PAGE, PRICE};
use steward_kernel::principal::Scope;
use steward_kernel::{Door, Principal, ids};
use steward_rag::render;
use uuid::Uuid;

const WHOLE: &str = "INSERT INTO library_book (tenant_id, id, name, summary, author, price_note, appraisal, custom)
                     VALUES ($1, $2, $3, $4, 'Melville', 'cheap', 'Fine binding.', '{\"shelf\": \"north wall\"}')";

#[tokio::test]
async fn who_may_read_fewer_fields_gets_some_of_the_passages_that_the_system_gets() {
    let app = App::start().await;
    let tenant = app.tenant("one").await;
    let id = ids::fresh();
    app.write(tenant.tenant, WHOLE, id, [Some("Moby Dick"), Some("# Whales\n\nMany.")]).await;
    let passages = async |principal: &Principal| {
        let mut read = app.house.kernel.read(principal).await.unwrap();
        let resource = read.catalogue().resource(BOOK).unwrap().clone();
        let rows = read.texts(BOOK, &[id]).await.unwrap();
        rows.iter().flat_map(|row| render::render(&resource, row)).collect::<Vec<_>>()
    };
    let system = passages(&Principal::system(tenant.tenant, Door::Job, "test")).await;
    let reader = passages(&app.house.user(&tenant, "Reader", &[("library:book:read", Scope::Tenant)]).await.unwrap()).await;
    let buyer = passages(&app.house.user(&tenant, "Buyer", &[("library:book:read", Scope::Tenant), (PRICE, Scope::Tenant)]).await.unwrap()).await;
    assert_eq!(buyer, system);
    assert_eq!(system.len(), 4);
    assert_eq!(reader, system.iter().filter(|passage| passage.key.family.is_empty()).cloned().collect::<Vec<_>>());
    assert!(reader.iter().all(|passage| !passage.text.contains("cheap") && !passage.text.contains("binding")));
}

#[tokio::test]
async fn texts_stand_behind_the_wall_of_the_resource() {
    let app = App::start().await;
    let [one, other] = [app.tenant("one").await, app.tenant("other").await];
    let owner = app.house.user(&one, "Owner", &[("library:book:read", Scope::Own)]).await.unwrap();
    let [mine, theirs] = [app.book(one.tenant, "Mine", None).await, app.book(one.tenant, "Theirs", None).await];
    let foreign = app.book(other.tenant, "Foreign", None).await;
    app.touch(one.tenant, &format!("UPDATE library_book SET owner_id = '{}'", owner.user), mine).await;
    let leaf = ids::fresh();
    let insert = "INSERT INTO library_page (tenant_id, id, heading, body, book_id, owner_id) SELECT $1, $2, $3, $4, b.id, b.owner_id FROM library_book b WHERE b.name = 'Mine'";
    app.write(one.tenant, insert, leaf, [Some("First"), Some("Call me Ishmael.")]).await;

    let ids = [mine, theirs, foreign, ids::fresh()];
    let read_by = async |principal: &Principal, resource: &str, ids: &[Uuid]| {
        let mut read = app.house.kernel.read(principal).await.unwrap();
        read.texts(resource, ids).await.unwrap()
    };
    let mut seen: Vec<Uuid> = read_by(&owner, BOOK, &ids).await.iter().map(|row| row.id).collect();
    assert_eq!(seen, [mine]);
    seen = read_by(&Principal::system(one.tenant, Door::Job, "test"), BOOK, &ids).await.iter().map(|row| row.id).collect();
    assert_eq!(seen, [mine, theirs]);
    // A child's attributes are its own columns, as its policy reads them.
    let pages = read_by(&owner, PAGE, &[leaf]).await;
    assert_eq!(pages[0].scope.owner, Some(owner.user));
    let stranger = app.house.user(&one, "Stranger", &[]).await.unwrap();
    assert!(read_by(&stranger, BOOK, &ids).await.is_empty());
}

#[tokio::test]
async fn an_archived_record_is_marked_and_not_walked() {
    let app = App::start().await;
    let tenant = app.tenant("one").await.tenant;
    let [kept, put_away] = [app.book(tenant, "Kept", None).await, app.book(tenant, "Put away", None).await];
    app.touch(tenant, "UPDATE library_book SET archived_at = now()", put_away).await;
    let mut read = app.house.kernel.read(&Principal::system(tenant, Door::Job, "test")).await.unwrap();
    let rows = read.texts(BOOK, &[kept, put_away]).await.unwrap();
    assert_eq!(rows.iter().map(|row| (row.id, row.version, row.archived)).collect::<Vec<_>>(), [(kept, 1, false), (put_away, 2, true)]);
    assert_eq!(read.live(BOOK, None, 10).await.unwrap(), [(kept, 1)]);
}

#[tokio::test]
async fn a_resource_is_walked_in_chunks_without_gaps() {
    let app = App::start().await;
    let tenant = app.tenant("one").await.tenant;
    let mut books = Vec::new();
    for at in 0..7 {
        books.push((app.book(tenant, &format!("Book {at}"), None).await, 1));
    }
    books.sort_unstable();
    let mut read = app.house.kernel.read(&Principal::system(tenant, Door::Job, "test")).await.unwrap();
    let (mut walked, mut after) = (Vec::new(), None);
    loop {
        let chunk = read.live(BOOK, after, 3).await.unwrap();
        after = chunk.last().map(|(id, _)| *id);
        if after.is_none() {
            break;
        }
        walked.extend(chunk);
    }
    assert_eq!(walked, books);
}
