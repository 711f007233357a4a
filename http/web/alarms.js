
// Alarms: what stands, what to do about it, and the orders of an operator.
const alarms_shown = 100;
const alarm_state_words = {
  active_unacknowledged: ['● Active, unacknowledged', 'urgent'], active_acknowledged: ['Active, acknowledged', 'standing'],
  returned_unacknowledged: ['○ Returned, unacknowledged', 'returned'], cleared: ['Over', 'quiet'],
  latched_unacknowledged: ['● Latched, unacknowledged', 'urgent'], latched_acknowledged: ['Latched, acknowledged', 'standing'],
  shelved: ['Shelved', 'hushed'], suppressed: ['Suppressed', 'hushed'], out_of_service: ['Out of service', 'hushed'],
};
// Each is one or two questions: what is over and unseen does not come with active=true.
const alarm_choices = [
  ['stands or is unacknowledged', ['active=true', 'state=returned_unacknowledged']],
  ['unacknowledged', ['state=active_unacknowledged,latched_unacknowledged', 'state=returned_unacknowledged']],
  ['acknowledged', ['state=active_acknowledged,latched_acknowledged']], ['returned', ['state=returned_unacknowledged']],
  ['latched', ['state=latched_unacknowledged,latched_acknowledged']], ['shelved', ['state=shelved']],
  ['suppressed', ['state=suppressed']], ['out of service', ['state=out_of_service']], ['all, newest first', ['']],
];
const opened = new Set(); // alarms whose details are shown
let group_shown = null; // {id, words}: its alarms alone, whatever their state

const own_limits = {min_threshold: 'below minimum', max_threshold: 'above maximum'};
function span_of(ms) {
  const minutes = Math.max(0, Math.round(ms / 60000));
  if (minutes < 1) return '< 1 min';
  if (minutes < 120) return minutes + ' min';
  return minutes < 2880 ? Math.round(minutes / 60) + ' h' : Math.round(minutes / 1440) + ' days';
}
/// The alarm with the names and texts behind it.
async function described(alarm) {
  const sensor = await sensor_of(alarm.sensor_id);
  const rule = alarm.rule_id ? await rule_of(alarm.rule_id) : {name: own_limits[alarm.source] || alarm.source, message: '', instructions: ''};
  const place = await place_of(sensor);
  const words = {sensor: sensor.name, unit: sensor.unit, rule: rule.name, severity: alarm.severity, value: number(alarm.value), limit: number(alarm.limit),
                 time: time(alarm.raised_at), machine: place.split(' · ')[0], factory: place.split(' · ')[1] || ''};
  const message = (rule.message || '').replace(/\{(\w+)\}/g, (all, name) => name in words ? words[name] : all);
  return {alarm, sensor, rule, place, message};
}

function alarm_head({alarm, sensor, rule, place}) {
  const head = node('div', null, {class: 'head'});
  const [words, kind] = alarm_state_words[alarm.state];
  head.append(node('span', 'P' + alarm.priority, {class: 'priority p' + alarm.priority, title: 'Priority ' + alarm.priority + ' of 4'}));
  const title = node('div', null, {class: 'title'});
  title.append(node('strong', rule.name), ' on ', sensor_button(sensor));
  if (place) title.append(node('small', place));
  const figures = node('div', null, {class: 'figures'});
  const unit = sensor.unit ? ' ' + sensor.unit : '';
  figures.append(node('span', number(alarm.peak.value) + unit), node('small', 'limit ' + number(alarm.limit) + (alarm.step ? ', ' + alarm.step : '')));
  const state = node('div', null, {class: 'state'});
  state.append(badge(words, kind), node('small', alarm.cleared_at ? `stood ${span_of(Date.parse(alarm.cleared_at) - Date.parse(alarm.raised_at))}`
                                                                  : `for ${span_of(Date.now() - Date.parse(alarm.raised_at))}`));
  head.append(title, figures, state);
  return head;
}
function alarm_details({alarm, rule, message}) {
  const list = node('dl', null, {class: 'details'});
  const add = (name, text) => { if (text) { const line = node('div'); line.append(node('dt', name), node('dd', text)); list.append(line); } };
  add('What', message || alarm.explanation);
  add('What to do', rule.instructions);
  add('Severity', alarm.severity);
  add('Raised', time(alarm.raised_at));
  if (alarm.anomaly_id) add('Anomaly', alarm.anomaly_id);
  if (alarm.peak.value !== alarm.value) add('Worst', `${number(alarm.peak.value)} at ${time(alarm.peak.timestamp)}`);
  if (alarm.cleared_at) add('Over', time(alarm.cleared_at));
  if (alarm.acknowledged) add('Acknowledged', `${time(alarm.acknowledged_at)} by ${alarm.acknowledged_by}${alarm.comment ? ': ' + alarm.comment : ''}`);
  for (const [name, on] of [['Shelved', alarm.shelf], ['Out of service', alarm.out_of_service]])
    if (on) add(name, `${on.until ? (on.once ? 'for this alarm, at most until ' : 'until ') + time(on.until) : 'until put back'} by ${on.by}${on.reason ? ': ' + on.reason : ''}`);
  return list;
}

/// [label, order] for each order that the alarm's state takes.
function alarm_orders(alarm, rule) {
  const on = `/api/alerts/${encodeURIComponent(alarm.id)}`, of_rule = `/api/rules/${alarm.rule_id}`;
  const here = rule.selector ? {sensor_id: alarm.sensor_id} : {};
  const orders = [];
  if (!alarm.acknowledged) orders.push(['Acknowledge', {path: on + '/acknowledge', words: 'Comment', member: 'comment', main: true}]);
  if (alarm.state === 'latched_acknowledged') orders.push(['Reset', {path: on + '/reset', words: 'Comment', member: 'comment', main: true}]);
  if (alarm.shelf) orders.push(['Unshelve', {path: on + '/unshelve', words: 'Comment', member: 'comment'}]);
  else if (!alarm.out_of_service) orders.push(['Shelve …', {path: on + '/shelve', words: 'Why', member: 'reason', required: true, ends: true}]);
  if (!alarm.rule_id || !rule.id) return orders;
  if (alarm.out_of_service) orders.push(['Put back into service', {path: of_rule + '/in_service', words: 'Comment', member: 'comment', body: here}]);
  else orders.push(['Take out of service …', {path: of_rule + '/out_of_service', words: 'Why', member: 'reason', required: true, body: here}]);
  return orders;
}
/// "first of 4", or "3rd of 4": shows the alarms of its group.
function group_button({alarm, sensor, group}) {
  const place = group.alarms.indexOf(alarm.id) + 1;
  const words = `${place === 1 ? 'first' : 'no. ' + place} of ${group.alarms.length} that came together`;
  const button = node('button', words, {class: 'link', type: 'button', 'data-key': alarm.id + 'group'});
  button.setAttribute('aria-label', `${words}: show the group of ${sensor.name}`);
  button.onclick = () => show_group({id: group.id, words: `${group.alarms.length} alarms from ${time(group.began_at)}`});
  return button;
}
function show_group(group) {
  group_shown = group;
  $('alarm_group').hidden = !group;
  $('alarm_group').textContent = group ? group.words + ' ✕' : '';
  $('alarm_group').setAttribute('aria-label', group ? `Show more than the ${group.words}` : '');
  show_now();
}
function alarm_buttons(it, orders) {
  const bar = node('div', null, {class: 'bar orders'});
  for (const [label, order] of orders) {
    const button = node('button', label, {type: 'button', 'data-key': it.alarm.id + label, ...(order.main && {class: 'main'})});
    button.setAttribute('aria-label', `${label.replace(' …', '')}: ${it.rule.name} on ${it.sensor.name}`);
    button.onclick = () => give_order(label.replace(' …', ''), `${it.rule.name} on ${it.sensor.name}`, order);
    bar.append(button);
  }
  return bar;
}
function alarm_entry(it, foldable) {
  const {alarm} = it;
  const entry = node('article', null, {class: 'entry ' + alarm.state});
  const head = alarm_head(it), orders = alarm_orders(alarm, it.rule);
  entry.append(head);
  if (!foldable) { entry.append(alarm_buttons(it, orders.slice(0, 1).filter(([, order]) => order.main))); return entry; }
  const more = node('details');
  more.open = opened.has(alarm.id);
  more.ontoggle = () => { if (more.open) opened.add(alarm.id); else opened.delete(alarm.id); };
  more.append(node('summary', it.rule.instructions ? 'Details and what to do' : 'Details', {'data-key': alarm.id}), alarm_details(it));
  const foot = node('div', null, {class: 'foot'});
  if (it.group) head.querySelector('.title').append(group_button(it));
  foot.append(more, alarm_buttons(it, orders));
  entry.append(foot);
  return entry;
}

/// The answers to all questions as one list: most urgent first, or newest first.
async function find_alarms(questions, limit, more) {
  const sorted = questions[0] !== '';
  const answers = await Promise.all(questions.map(question =>
    ask(`/api/alerts?${question}&limit=${limit}${more}${question === 'state=returned_unacknowledged' || !sorted ? '' : '&sort=priority'}`)));
  const alarms = answers.flatMap(answer => answer.alerts);
  const groups = new Map(answers.flatMap(answer => answer.groups).flatMap(group => group.alarms.map(id => [id, group])));
  const urgency = alarm => (alarm.acknowledged ? 20 : 0) + ({shelved: 10, suppressed: 10, out_of_service: 10, returned_unacknowledged: 5}[alarm.state] || 0) + alarm.priority;
  if (sorted) alarms.sort((a, b) => urgency(a) - urgency(b) || Date.parse(b.raised_at) - Date.parse(a.raised_at));
  return {alarms: alarms.slice(0, limit), groups, more: answers.some(answer => answer.next_cursor || answer.complete === false) || alarms.length > limit};
}
const minute_of_now = () => Math.floor(Date.now() / 60000); // entries say for how long: drawn again each minute
async function show_short_alarms() {
  const {alarms} = await find_alarms(['state=active_unacknowledged,latched_unacknowledged,active_acknowledged,latched_acknowledged'], 6, '');
  const entries = (await Promise.all(alarms.map(described))).map(it => alarm_entry(it, false));
  fill_list($('short_alarms'), entries, JSON.stringify([alarms, minute_of_now()]), 'Nothing stands.');
}
async function show_alarms() {
  fill_factories($('alarm_factory'));
  const questions = group_shown ? [''] : alarm_choices[$('alarm_states').value][1];
  const filter = group_shown ? [['group', group_shown.id]]
    : [['priority', $('alarm_priority').value], ['factory_id', $('alarm_factory').value], ['text', $('alarm_text').value.trim()], ['first_out', $('alarm_first').checked]];
  const more = filter.filter(([, value]) => value).map(([name, value]) => `&${name}=${encodeURIComponent(value)}`).join('');
  const found = await find_alarms(questions, alarms_shown, more);
  const entries = (await Promise.all(found.alarms.map(described))).map(it => alarm_entry({...it, group: found.groups.get(it.alarm.id)}, true));
  const sizes = [...found.groups.values()].map(group => group.alarms.length);
  fill_list($('alarms'), entries, JSON.stringify([found.alarms, sizes, minute_of_now()]), 'No alarm is like that.');
  $('alarms_note').textContent = found.more ? `The first ${found.alarms.length} are shown.` : '';
}
async function count_alarms() {
  const {alerts} = await ask('/api/alerts?state=active_unacknowledged,latched_unacknowledged&limit=100');
  show_count($('alarm_count'), alerts.length);
}
function show_count(place, found) {
  place.hidden = found === 0;
  place.textContent = found < 100 ? found : '99+';
}

// --- orders: one dialog for all ---
const shelf_ends = [['15 minutes', 900], ['1 hour', 3600], ['8 hours', 28800], ['1 day', 86400], ['7 days', 604800], ['this alarm is over', 'once'], ['a time …', 'until']];
let order_given = null;
function give_order(title, what, order) {
  order_given = order;
  $('order_title').textContent = title;
  $('order_what').textContent = what;
  $('order_who').value = $('who').value;
  $('order_end_row').hidden = !order.ends;
  $('order_at_row').hidden = true;
  $('order_end').value = 1;
  $('order_words').textContent = order.words;
  $('order_text').value = '';
  $('order_text').required = Boolean(order.required);
  $('order_fault').textContent = '';
  $('order_send').textContent = title;
  $('order').showModal();
  ($('who').value ? $('order_text') : $('order_who')).focus();
}
function end_of_shelf() {
  const until = shelf_ends[$('order_end').value][1];
  if (until === 'once') return {once: true};
  if (until !== 'until') return {for_ms: until * 1000};
  if (!$('order_at').value) throw new Error('Say until when.');
  return {until: new Date($('order_at').value).toISOString()};
}
async function send_order() {
  const by = $('order_who').value.trim(), text = $('order_text').value.trim();
  if (!by) throw new Error('Say who you are.');
  if (order_given.required && !text) throw new Error('Say why.');
  keep_name(by);
  const body = {by, ...order_given.body, ...(text && {[order_given.member]: text}), ...(order_given.ends && end_of_shelf())};
  await post(order_given.path, body);
  $('order').close();
  await show_now();
}
const post = (path, body) => ask(path, {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(body)});
function keep_name(name) {
  $('who').value = name;
  localStorage.setItem('who', name);
}

$('order').querySelector('form').onsubmit = event => {
  event.preventDefault();
  $('order_send').disabled = true;
  send_order().catch(error => { $('order_fault').textContent = error.message; }).finally(() => { $('order_send').disabled = false; });
};
$('order_cancel').onclick = () => $('order').close();
$('order_end').onchange = () => { $('order_at_row').hidden = shelf_ends[$('order_end').value][1] !== 'until'; };
fill_select($('order_end'), shelf_ends.map(([name], id) => ({id, name})), 1);
fill_select($('alarm_states'), alarm_choices.map(([name], id) => ({id, name})), 0);
for (const id of ['alarm_states', 'alarm_priority', 'alarm_factory', 'alarm_first']) $(id).onchange = () => show_group(null);
$('alarm_group').onclick = () => show_group(null);
$('alarm_text').oninput = () => show_group(null);
