use steward_embedder::{Embedder, Purpose};

use crate::contract::{self, cosine, one};
use crate::worker;

#[tokio::test]
async fn the_contract_holds_with_the_local_model() {
    contract::holds(&worker()).await;
}

#[tokio::test]
async fn texts_of_like_meaning_are_nearer_than_others_in_english_and_german() {
    let worker = worker();
    for (question, answer, other) in [
        ("Who has not paid yet?", "The invoice is overdue and still open.", "The warehouse is in Hamburg."),
        ("broken product", "The customer complains that the device does not work.", "The customer has moved to another address."),
        ("Welche Rechnung ist offen?", "Die Rechnung wurde noch nicht bezahlt.", "Der Hund schläft im Garten."),
        ("Lieferung nach Wien", "Die Ware wird nach Wien geliefert.", "Die Besprechung beginnt um neun Uhr."),
    ] {
        let [question_at, answer_at, other_at] = [one(&worker, question).await, one(&worker, answer).await, one(&worker, other).await];
        let (near, far) = (cosine(&question_at, &answer_at), cosine(&question_at, &other_at));
        assert!(near > far + 0.05, "{question}: {near} against {far}");
    }
}

#[tokio::test]
async fn a_text_counts_up_to_256_tokens() {
    let worker = worker();
    let (short, long) = ("the goods were sent ".repeat(30), "the goods were sent ".repeat(70));
    let tail = "and then a goat climbed the mountain";
    let texts = [short.clone(), format!("{short}{tail}"), long.clone(), format!("{long}{tail}")];
    let vectors = worker.embed(texts.to_vec(), Purpose::Passage).await.unwrap();
    assert!(cosine(&vectors[0], &vectors[1]) < 0.99, "within the bound the tail counts");
    assert!(cosine(&vectors[2], &vectors[3]) > 0.9999, "beyond it not");
}
