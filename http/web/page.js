'use strict';
// What all views use. The files of this directory become one page (http/CMakeLists.txt): page.js first, main.js last.
const $ = id => document.getElementById(id);

let token_declined = false;
function ask_for_token() { // once; after "cancel" only a reload asks again
  if (token_declined) return;
  sessionStorage.removeItem('token');
  const given = prompt('This server asks for a token with the scope read (operate to acknowledge alarms):');
  if (given) sessionStorage.setItem('token', given.trim());
  else token_declined = true;
}
async function ask(path, options) {
  const token = sessionStorage.getItem('token');
  const answer = await fetch(path, {...options, headers: {...(options || {}).headers, ...(token && {Authorization: 'Bearer ' + token})}});
  if (answer.status === 401 && token === sessionStorage.getItem('token')) ask_for_token();
  const body = (answer.headers.get('Content-Type') || '').includes('json') ? await answer.json() : await answer.text();
  if (!answer.ok) throw Object.assign(new Error(body.error || answer.statusText), {status: answer.status});
  return body;
}
function node(name, text, attributes = {}) {
  const made = document.createElement(name);
  if (text !== undefined && text !== null) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
function row(cells) {
  const made = node('tr');
  for (const cell of cells) made.append(cell instanceof Node ? cell : node('td', cell));
  return made;
}
const number_cell = text => node('td', text, {class: 'number'});
const cell_of = child => { const cell = node('td'); cell.append(child); return cell; };
const number = value => value === null || value === undefined ? '–'
  : Math.abs(value) >= 1e6 || (value !== 0 && Math.abs(value) < 1e-3) ? value.toExponential(3) : String(Math.round(value * 1000) / 1000);
const count = value => Math.round(value).toLocaleString('en');
function time(text) {
  const at = new Date(text), today = new Date().toDateString() === at.toDateString();
  return at.toLocaleString([], today ? {timeStyle: 'medium', hourCycle: 'h23'} : {dateStyle: 'short', timeStyle: 'short', hourCycle: 'h23'});
}
const time_cell = text => node('td', time(text), {class: 'time'});
function bytes(value) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; ++unit) value /= 1024;
  return (unit ? value.toFixed(1) : value) + ' ' + units[unit];
}
function empty_row(text, columns) { return row([node('td', text, {colspan: columns, class: 'soft'})]); }

// Names by id, asked for once a minute at most.
const kept = new Map();
setInterval(() => kept.clear(), 60000);
function look_up(kind, id, otherwise) {
  const key = kind + id;
  if (!kept.has(key)) kept.set(key, ask(`/api/${kind}/${id}`).catch(() => ({id, ...otherwise})));
  return kept.get(key);
}
const sensor_of = id => look_up('sensors', id, {name: 'sensor ' + id, unit: ''});
const machine_of = id => look_up('machines', id, {name: 'machine ' + id});
const factory_of = id => look_up('factories', id, {name: 'factory ' + id});
const rule_of = id => look_up('rules', id, {name: 'rule ' + id + ' (deleted)', message: '', instructions: ''});
/// "Press 7 · Works"; empty for what is gone.
async function place_of(sensor) {
  if (!sensor.machine_id) return '';
  const machine = await machine_of(sensor.machine_id);
  return machine.factory_id ? `${machine.name} · ${(await factory_of(machine.factory_id)).name}` : machine.name;
}

function sensor_button(sensor) {
  const button = node('button', sensor.name, {class: 'link', type: 'button'});
  button.onclick = () => choose_sensor(sensor.id);
  return button;
}
const badge = (text, kind) => node('span', text, {class: 'badge ' + kind});
/// Puts the entries into the list, unless nothing differs: what somebody is about to press stays under the finger.
function fill_list(list, entries, content, empty) {
  if (list.dataset.content === content) return;
  list.dataset.content = content;
  const focused = list.contains(document.activeElement) && document.activeElement.dataset.key;
  list.replaceChildren(...entries);
  if (!entries.length) list.append(node('p', empty, {class: 'soft'}));
  if (focused) list.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
}
function fill_factories(select) {
  fill_select(select, [{id: '', name: 'all'}, ...factories], select.value);
}

function fill_select(select, entries, selected) {
  const wanted = entries.map(entry => entry.id + ':' + entry.name).join('\n');
  if (select.dataset.content !== wanted) {
    select.replaceChildren(...entries.map(entry => node('option', entry.name, {value: entry.id})));
    select.dataset.content = wanted;
  }
  if (selected !== null) select.value = selected;
}

function show_trouble(error) {
  const reason = error.status ? error.message : 'no connection';
  $('state').textContent = '● ' + reason;
  $('state').className = 'bad';
}
