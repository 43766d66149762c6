//! What a spreadsheet or an editor writes differently and means the same is not bought anew; what
//! vanishes while something like it comes is told before it is bought.

use crate::sandbox::Sandbox;

/// A campaign whose table was rendered on the simulator.
fn rendered(table: &str) -> Sandbox {
    let sandbox = Sandbox::new().file("spots.csv", table);
    sandbox.run(["run", "spots.csv", "--sim", "--rate", "100/s"]).exits(0);
    sandbox
}

/// Another text of the table.
fn edited(sandbox: &Sandbox, table: &str) {
    std::fs::write(sandbox.path("spots.csv"), table).unwrap();
}

#[test]
fn field_22_35_another_spelling_of_the_same_is_done() {
    let table = "id,model,prompt,aspect_ratio\na,kling-v3,\"A b\u{e9}ach\nat dawn\",09:16\n";
    let sandbox = rendered(table);
    let same = [
        table.replace("09:16", "9:16"),
        table.replace("\nat", "\r\nat"),
        table.replace("\nat", "\rat"),
        table.replace('\u{e9}', "e\u{301}"),
    ];
    for text in same {
        edited(&sandbox, &text);
        sandbox.run(["plan", "spots.csv", "--sim"]).exits(0).says("nothing to buy");
    }
    edited(&sandbox, &table.replace("dawn", "dusk"));
    sandbox.run(["plan", "spots.csv", "--sim"]).exits(0).says("1 to render");
}

#[test]
fn field_22_a_date_for_an_id_is_told_by_plan_and_run() {
    let sandbox = rendered("id,model,prompt\nmar-1,kling-v3,A beach\n");
    edited(&sandbox, "id,model,prompt\n1-Mar,kling-v3,A beach\n");
    let told = "the shot 1-Mar is new, and mar-1, which was bought, is gone";
    sandbox.run(["plan", "spots.csv", "--sim"]).exits(0).warns(told);
    sandbox.run(["run", "spots.csv", "--sim", "--rate", "100/s"]).exits(0).warns(told);
}

#[test]
fn field_45_clips_of_ids_that_fold_together_have_names_of_their_own() {
    let sandbox = rendered("id,model,prompt\nstraße,kling-v3,A\nSTRASSE,kling-v3,B\n");
    let report = sandbox.run(["report", "spots.csv", "--sim", "--format", "json"]).exits(0);
    let report = report.stdout_json();
    let file = |at: usize| report["shots"][at]["files"][0].as_str().unwrap().to_owned();
    assert_eq!(file(0), "clips/straße.mp4");
    assert_eq!(file(1), "clips/STRASSE~STRASSE.mp4");
}

#[test]
fn field_45_a_catalog_that_never_ends_is_refused() {
    let sandbox = Sandbox::new().file("spots.csv", "id,model,prompt\na,kling-v3,A\n");
    let plan = ["plan", "spots.csv", "--catalog", "/dev/zero"];
    sandbox.run(plan).exits(2).warns("the catalog /dev/zero is bigger than 16 MB");
}
