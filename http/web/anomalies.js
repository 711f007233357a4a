
// Anomalies: what the detectors found, and what people think of it.
const anomalies_shown = 50;
const verdict_words = {confirmed: 'Confirmed', false_alarm: 'False alarm', planned: 'Planned'};
function anomaly_entry(anomaly, subject, place) {
  const entry = node('article', null, {class: 'entry'});
  const head = node('div', null, {class: 'head'});
  head.append(node('span', anomaly.severity, {class: 'level ' + anomaly.severity}));
  const title = node('div', null, {class: 'title'});
  title.append(node('strong', anomaly.kind.replace(/_/g, ' ')), ' on ', subject);
  if (place) title.append(node('small', place));
  const figures = node('div', null, {class: 'figures'});
  figures.append(node('span', number(anomaly.peak.value)), node('small', `expected ${number(anomaly.peak.low)} … ${number(anomaly.peak.high)}`));
  const state = node('div', null, {class: 'state'});
  state.append(badge(anomaly.open ? '● Goes on' : 'Over', anomaly.open ? 'standing' : 'quiet'), node('small', 'since ' + time(anomaly.begin)));
  head.append(title, figures, state);
  entry.append(head, node('p', anomaly.explanation || `${number(anomaly.peak.value)} is outside what is expected (${anomaly.detector}, score ${number(anomaly.score)}; 1 is the boundary).`));
  const bar = node('div', null, {class: 'bar orders', role: 'group', 'aria-label': 'What you think of it'});
  for (const [verdict, words] of Object.entries(verdict_words)) {
    const given = anomaly.feedback?.verdict === verdict;
    const button = node('button', words, {type: 'button', 'aria-pressed': given, 'data-key': anomaly.id + verdict});
    button.onclick = () => judge_anomaly(anomaly, verdict).catch(show_trouble);
    bar.append(button);
  }
  if (anomaly.feedback) bar.append(node('span', `${anomaly.feedback.by}, ${time(anomaly.feedback.at)}`, {class: 'soft'}));
  entry.append(bar);
  return entry;
}
async function judge_anomaly(anomaly, verdict) {
  const by = $('who').value.trim();
  if (!by) { $('who').focus(); throw Object.assign(new Error('say your name first'), {status: 400}); }
  await post(`/api/anomalies/${encodeURIComponent(anomaly.id)}/feedback`, {verdict, by});
  await show_now();
}
async function show_anomalies() {
  const {anomalies, next_cursor} = await ask(`/api/anomalies?limit=${anomalies_shown}${$('anomaly_states').value}`);
  const entries = await Promise.all(anomalies.map(async anomaly => {
    if (anomaly.sensor_id === null) return anomaly_entry(anomaly, (await machine_of(anomaly.machine_id)).name, '');
    const sensor = await sensor_of(anomaly.sensor_id);
    return anomaly_entry(anomaly, sensor_button(sensor), await place_of(sensor));
  }));
  if (next_cursor && entries.length) entries.push(node('p', 'There are more.', {class: 'soft'}));
  fill_list($('anomalies'), entries, JSON.stringify(anomalies), 'None.');
}
async function count_anomalies() {
  const {anomalies} = await ask('/api/anomalies?open=true&limit=100');
  show_count($('anomaly_count'), anomalies.length);
}
$('anomaly_states').onchange = () => show_now();
