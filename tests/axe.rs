//! What axe-core finds in the page: no violation that it calls serious or critical, whatever the colours and the width.

use std::time::Duration;

use harness::browser::Browser;
use harness::page::{Page, dist};
use harness::server::{Ranges, Server};

const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn the_page_has_no_serious_violation() {
    let axe = std::fs::read_to_string(std::env::var("WATTAGE_AXE").expect("the path of axe.min.js")).expect("axe-core");
    let (server, browser) = (Server::start(&dist(), Ranges::On), Browser::start());
    let page = Page::open_as_it_is(&browser, &server);
    page.wait_loaded(PATIENCE);
    page.send("What is 605 * 1213?");
    page.wait_answer(PATIENCE);
    page.press("Compare without layers");
    page.wait_answer(PATIENCE);
    browser.script(&axe, vec![]);
    for scheme in ["light", "dark"] {
        browser.script("document.documentElement.dataset.theme = arguments[0];", vec![scheme.into()]);
        for (width, height) in [(1280, 1000), (400, 900)] {
            browser.resize(width, height);
            for panel in ["History", "Scores", "Model", "Settings", "Device"] {
                page.press(panel);
                let found = browser.script(
                    "document.querySelectorAll('details').forEach(details => { details.open = true; });
                     // What is folded out is made then.
                     await new Promise(done => setTimeout(done, 200));
                     const { violations, passes } = await axe.run();
                     if (passes.length === 0) return ['nothing was looked at'];
                     return violations.filter(({ impact }) => ['serious', 'critical'].includes(impact))
                         .map(({ id, nodes }) => `${id}: ${nodes[0].html}`);",
                    vec![],
                );
                assert_eq!(found, serde_json::json!([]), "{scheme}, {width} wide, {panel}");
                page.press("Close");
            }
        }
    }
}
