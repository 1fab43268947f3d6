// The page of a rater: two images, two questions, by keys or by buttons. What it may show it asks
// of its own server; it knows sides, and no models.
"use strict";

const element = (id) => document.getElementById(id);
const QUESTIONS = ["realism", "match"];

let task = null; // before the rater; none while one is loaded or where nothing is left
let answers = {}; // by question
let begun = 0; // when both images were seen, in milliseconds
let unsent = null; // a request that has failed, to be made again

async function ask(path, body) {
  const sent = { method: "POST", headers: { "Content-Type": "application/json" } };
  const answer = await fetch(path, body ? { ...sent, body: JSON.stringify(body) } : {});
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

async function request(path, body) {
  task = null;
  unsent = null;
  enable(null);
  element("undo").disabled = true;
  element("trouble").hidden = element("retry").hidden = true;
  try {
    await show(await ask(path, body));
  } catch (error) {
    unsent = [path, body];
    const lost = error instanceof TypeError; // as `fetch` and `decode` have it
    const reason = lost ? "The server does not answer." : error.message;
    element("trouble").textContent = `${reason} Nothing is lost: try again.`;
    element("trouble").hidden = element("retry").hidden = false;
    element("retry").focus();
  }
}

async function show(shown) {
  const all = shown.judged + shown.left;
  element("count").textContent = `${shown.judged} of ${all} judged`;
  element("progress").max = Math.max(all, 1);
  element("progress").value = shown.judged;
  element("undo").disabled = shown.judged === 0;
  element("task").hidden = shown.task === null;
  if (shown.task === null) {
    say("Thank you. Nothing is left to judge: you can close this page.", true);
    return;
  }
  answers = {};
  element("caption").textContent = shown.task.caption;
  await load(shown.task.id);
  task = shown.task;
  begun = performance.now();
  enable("realism");
}

// Neither image is seen before the other.
async function load(id) {
  const pair = document.querySelector(".pair");
  pair.classList.add("waiting");
  const images = ["left", "right"].map((side) => {
    element(side).src = `image/${id}/${side}`;
    return element(side).decode();
  });
  try {
    await Promise.all(images);
  } catch {
    throw new TypeError("an image is missing");
  }
  pair.classList.remove("waiting");
}

// One question is open at a time; none while the server is asked.
function enable(open) {
  for (const question of QUESTIONS) {
    element(question).disabled = question !== open;
    for (const button of element(question).querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.dataset.answer === answers[question]));
    }
  }
  if (open === null) return;
  element("undo").disabled = open === "realism" && element("progress").value === 0;
  element(open).focus({ preventScroll: true }); // and no button, which would suggest an answer
  say(`${element("count").textContent}. ${element(open).querySelector("legend").textContent}`);
}

function answer(question, given) {
  if (task === null || element(question).disabled) return;
  answers[question] = given;
  if (question === "realism") {
    enable("match");
    return;
  }
  const seconds = (performance.now() - begun) / 1000;
  request("vote", { task: task.id, realism: answers.realism, caption: given, seconds });
}

function undo() {
  if (unsent !== null || element("undo").disabled) return;
  if (task !== null && answers.realism) {
    answers = {};
    enable("realism");
  } else {
    request("undo", {});
  }
}

function retry() {
  if (unsent !== null) request(...unsent);
}

function say(text, seen = false) {
  element("status").textContent = text;
  element("status").classList.toggle("seen", seen);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.repeat) {
    if (event.key === "Enter") event.preventDefault(); // else a held key answers what follows
    return;
  }
  const open = QUESTIONS.find((question) => !element(question).disabled);
  const button = open && element(open).querySelectorAll("button")[Number(event.key) - 1];
  if (button) {
    answer(open, button.dataset.answer);
  } else if (event.key === "Backspace") {
    undo();
  } else if (event.key !== "Enter" || unsent === null) {
    return;
  } else {
    retry();
  }
  event.preventDefault();
});
for (const question of QUESTIONS) {
  for (const button of element(question).querySelectorAll("button")) {
    button.addEventListener("click", () => answer(question, button.dataset.answer));
  }
}
element("undo").addEventListener("click", undo);
element("retry").addEventListener("click", retry);
request("task");
