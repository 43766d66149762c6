//! The edges of the cap, lived by whole runs in virtual time: before every POST what is committed
//! and this price are within the cap, no run buys what another bought, and the books add up.

mod caps;
mod catalogs;
mod failures;
mod only;
mod resolves;
mod results;
mod revisions;
mod scenario;

use scenario::live;

#[tokio::test(start_paused = true)]
async fn no_edge_of_the_cap_is_passed_and_nothing_is_bought_twice() {
    live(caps::scenarios()).await;
}

#[tokio::test(start_paused = true)]
async fn an_edited_or_removed_shot_keeps_its_money_and_comes_back_to_it() {
    live(revisions::scenarios()).await;
}

#[tokio::test(start_paused = true)]
async fn a_doubt_that_is_resolved_moves_only_the_money_it_says() {
    live(resolves::doubts()).await;
}

#[tokio::test(start_paused = true)]
async fn a_stalled_shot_that_is_resolved_moves_only_the_money_it_says() {
    live(resolves::stalled()).await;
}

#[tokio::test(start_paused = true)]
async fn older_texts_and_removed_shots_are_resolved_and_not_bought_by_it() {
    live(resolves::left_behind()).await;
}

#[tokio::test(start_paused = true)]
async fn a_task_that_the_user_names_is_paid_as_it_ends() {
    live(resolves::named_tasks()).await;
}

#[tokio::test(start_paused = true)]
async fn a_completed_task_is_spent_once_whatever_urls_it_names() {
    live(results::scenarios()).await;
}

#[tokio::test(start_paused = true)]
async fn every_kind_of_failure_is_tried_again_as_far_as_the_cap_allows() {
    live(failures::scenarios()).await;
}

#[tokio::test(start_paused = true)]
async fn shots_that_only_leaves_out_keep_their_money_and_are_not_bought() {
    live(only::scenarios()).await;
}

#[tokio::test(start_paused = true)]
async fn another_catalog_is_for_what_is_bought_from_now_on() {
    live(catalogs::scenarios()).await;
}
