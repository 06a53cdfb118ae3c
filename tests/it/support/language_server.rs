//! The language server with which editors check and complete YAML (`tests/editor.sh` gets it), over
//! its protocol.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

/// A running server, with the files that are open in it.
pub struct LanguageServer {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    requests: u64,
}

impl LanguageServer {
    pub fn start() -> LanguageServer {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let program = root.join("tests/.editor/node_modules/.bin/yaml-language-server");
        // Whatever happens here, it ends.
        let mut child = Command::new("timeout")
            .args(["-k", "5", "600"])
            .arg(&program)
            .arg("--stdio")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| panic!("{}: {e}: run tests/editor.sh", program.display()));
        let mut server = LanguageServer {
            input: child.stdin.take().unwrap(),
            output: BufReader::new(child.stdout.take().unwrap()),
            child,
            requests: 0,
        };
        let abilities = json!({
            "textDocument": {
                "completion": {"completionItem": {"snippetSupport": true}},
                "hover": {"contentFormat": ["markdown"]},
            },
            "workspace": {"configuration": true},
        });
        server.ask(
            "initialize",
            json!({"processId": null, "rootUri": null, "capabilities": abilities}),
        );
        server.tell("initialized", json!({}));
        server
    }

    fn send(&mut self, message: Value) {
        let text = message.to_string();
        write!(self.input, "Content-Length: {}\r\n\r\n{text}", text.len()).unwrap();
        self.input.flush().unwrap();
    }

    fn receive(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            let read = self.output.read_line(&mut line).unwrap();
            assert!(read > 0, "the language server ended: run tests/editor.sh");
            match line.trim_end() {
                "" => break,
                header => {
                    if let Some(value) = header.strip_prefix("Content-Length: ") {
                        length = value.parse().unwrap();
                    }
                }
            }
        }
        let mut text = vec![0; length];
        self.output.read_exact(&mut text).unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    /// Receives until a message is the one that is waited for. The server's own questions, about
    /// settings, are answered.
    fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = self.receive();
            if wanted(&message) {
                return message;
            }
            if message["method"] == "workspace/configuration" {
                let settings = message["params"]["items"].as_array().unwrap().iter();
                let settings: Vec<Value> = settings
                    .map(|item| match item["section"].as_str() {
                        Some("yaml") => json!({
                            "validate": true, "hover": true, "completion": true,
                            "schemaStore": {"enable": false},
                        }),
                        _ => Value::Null,
                    })
                    .collect();
                self.send(json!({"jsonrpc": "2.0", "id": message["id"], "result": settings}));
            } else if message["method"].is_string() && !message["id"].is_null() {
                self.send(json!({"jsonrpc": "2.0", "id": message["id"], "result": null}));
            }
        }
    }

    fn tell(&mut self, method: &str, params: Value) {
        self.send(json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.requests += 1;
        let id = self.requests;
        self.send(json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        let answer = self.until(|m| m["id"] == id && m["method"].is_null());
        assert!(answer["error"].is_null(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// Opens a file as an editor does. What is wrong with it: line, from 1, and message.
    pub fn open(&mut self, file: &Path) -> Vec<(u64, String)> {
        let text = fs::read_to_string(file).unwrap();
        let document = json!({"uri": uri(file), "languageId": "yaml", "version": 1, "text": text});
        self.tell("textDocument/didOpen", json!({"textDocument": document}));
        let said = self.until(|m| {
            m["method"] == "textDocument/publishDiagnostics" && m["params"]["uri"] == uri(file)
        });
        let found = said["params"]["diagnostics"].as_array().unwrap().iter();
        let mut found: Vec<(u64, String)> = found
            .map(|one| {
                let line = one["range"]["start"]["line"].as_u64().unwrap() + 1;
                (line, one["message"].as_str().unwrap().to_owned())
            })
            .collect();
        found.sort();
        found
    }

    /// What is shown about the word at a place; both numbers from 0.
    pub fn hover(&mut self, file: &Path, line: usize, column: usize) -> String {
        let shown = self.ask("textDocument/hover", position(file, line, column));
        shown["contents"]["value"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// What is proposed at a place: label and inserted text.
    pub fn completion(&mut self, file: &Path, line: usize, column: usize) -> Vec<(String, String)> {
        let proposed = self.ask("textDocument/completion", position(file, line, column));
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let items = proposed["items"].as_array().unwrap().iter();
        items
            .map(|item| {
                let inserted = match &item["textEdit"]["newText"] {
                    Value::Null => text(&item["insertText"]),
                    edit => text(edit),
                };
                (text(&item["label"]), inserted)
            })
            .collect()
    }
}

impl Drop for LanguageServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn uri(file: &Path) -> String {
    format!("file://{}", file.display())
}

fn position(file: &Path, line: usize, column: usize) -> Value {
    json!({"textDocument": {"uri": uri(file)}, "position": {"line": line, "character": column}})
}
