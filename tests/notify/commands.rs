//! The program's commands beside a running one.

use std::process::{Command, Output};

use serde_json::Value;

use super::Stage;

impl Stage {
    /// `walstreet notify …` with the stage's file.
    pub(super) fn command(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_walstreet"))
            .arg("notify")
            .args(arguments)
            .arg("--state-dir")
            .arg(self.state_dir())
            .env_clear()
            .output()
            .unwrap()
    }

    pub(super) fn audit(&self) -> Vec<Value> {
        let output = self.command(&["export", "--json"]);
        let lines = String::from_utf8(output.stdout).unwrap();
        lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}
