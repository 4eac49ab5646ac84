use std::sync::Arc;

use steward_embedder::{Embedder, Hashed, Off, Purpose, State};

use crate::contract::{self, cosine, one};

#[tokio::test]
async fn the_contract_holds_without_a_model() {
    contract::holds(&Hashed).await;
}

#[tokio::test]
async fn inflected_words_are_nearer_than_others_and_case_and_punctuation_count_nothing() {
    let [one_invoice, invoices, delivery] = [one(&Hashed, "invoice").await, one(&Hashed, "invoices").await, one(&Hashed, "delivery").await];
    assert!(cosine(&one_invoice, &invoices) > cosine(&one_invoice, &delivery) + 0.1);
    assert_eq!(one(&Hashed, "Größe, NETTO!").await, one(&Hashed, "größe netto").await);
}

#[tokio::test]
async fn switched_off_it_says_so_and_keeps_the_model_that_was_indexed_with() {
    let off: Arc<dyn Embedder> = Arc::new(Off::because("the configuration wants none"));
    let error = off.embed(vec!["text".into()], Purpose::Query).await.unwrap_err();
    assert_eq!(error.code(), "embedder.off");
    assert_eq!(error.to_string(), "embeddings are switched off: the configuration wants none");
    assert_eq!(off.health().state, State::Off);
    assert_eq!(off.model(), steward_embedder::MODEL);
}
