
// The plant as it is: sensors with their latest readings, the course of one, figures of the engine.
const plant_ms = 10000, sensors_shown = 50, steps = 120;
const spans = [['15 min', 900], ['1 h', 3600], ['8 h', 28800], ['1 day', 86400], ['7 days', 604800]];
const chosen = {factory: null, machine: null, sensor: null, span_s: 3600};
let factories = [], machines = [], sensors = [], plant_at = -Infinity, last_figures = null;

async function show_engine() {
  const figures = {};
  for (const line of (await ask('/metrics')).split('\n')) {
    const found = /^factory_(\w+) (\S+)$/.exec(line);
    if (found) figures[found[1]] = Number(found[2]);
  }
  const now = performance.now(), committed = figures.committed_readings_total;
  if (committed === undefined) return;
  if (last_figures) $('rate').textContent = count(Math.max(0, committed - last_figures.committed) / (now - last_figures.now) * 1000);
  last_figures = {now, committed};
  $('committed').textContent = count(committed);
  $('lag').textContent = count(Math.max(0, committed - figures.processed_readings_total));
  $('sensor_count').textContent = count(figures.sensors);
  $('active_count').textContent = count(figures.active_alerts);
  $('disk').textContent = bytes(figures.disk_bytes);
}

const keep = (id, entries) => entries.some(entry => entry.id === id) ? id : entries.length ? entries[0].id : null;
async function load_plant() {
  plant_at = performance.now();
  factories = await ask('/api/factories');
  chosen.factory = keep(chosen.factory, factories);
  fill_select($('factory'), factories, chosen.factory);
  machines = chosen.factory ? await ask('/api/machines?factory_id=' + chosen.factory) : [];
  chosen.machine = keep(chosen.machine, machines);
  fill_select($('machine'), machines, chosen.machine);
  const machine = machines.find(entry => entry.id === chosen.machine);
  $('machine_status').textContent = machine ? [machine.type, machine.status].filter(Boolean).join(' · ') : '';
  sensors = chosen.machine ? await ask('/api/sensors?machine_id=' + chosen.machine) : [];
  if (chosen.sensor === null && sensors.length) chosen.sensor = sensors[0].id;
}
async function show_plant() {
  if (performance.now() - plant_at > plant_ms) await load_plant();
  const shown = sensors.slice(0, sensors_shown);
  const latest = await Promise.all(shown.map(sensor => ask(`/api/sensors/${sensor.id}/latest`).catch(() => null)));
  $('sensors').replaceChildren(...shown.map((sensor, i) => sensor_row(sensor, latest[i])));
  if (!shown.length) $('sensors').append(empty_row(factories.length ? 'No sensors here yet' : 'No factories yet: POST /api/factories makes one', 5));
  $('sensors_note').textContent = sensors.length > shown.length ? `The first ${shown.length} of ${sensors.length} sensors are shown.` : '';
  mark_chosen();
}
function sensor_row(sensor, latest) {
  const {min_threshold: min, max_threshold: max} = sensor;
  const broken = latest && ((min !== null && latest.value < min) || (max !== null && latest.value > max));
  const value = node('td', (broken ? '⚠ ' : '') + (latest ? number(latest.value) : '–'), {class: 'number' + (broken ? ' critical level' : '')});
  if (broken) value.title = 'outside its limits';
  const limits = min === null && max === null ? '' : `${number(min)} … ${number(max)}`;
  const made = row([cell_of(sensor_button(sensor)), value, sensor.unit, node('td', limits, {class: 'number wide'}), latest ? time_cell(latest.timestamp) : 'no readings']);
  made.dataset.sensor = sensor.id;
  return made;
}
function mark_chosen() {
  for (const made of $('sensors').children) made.classList.toggle('chosen', Number(made.dataset.sensor) === chosen.sensor);
}

function svg(name, attributes) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
async function show_chart() {
  if (chosen.sensor === null) return;
  const sensor = await sensor_of(chosen.sensor);
  $('chart_title').textContent = `${sensor.name}${sensor.unit ? ' in ' + sensor.unit : ''}`;
  const latest = await ask(`/api/sensors/${sensor.id}/latest`).catch(() => null);
  if (!latest) { $('chart').replaceChildren(); $('chart_text').textContent = 'No readings yet.'; return; }
  const to_ms = Math.floor(latest.id / 1000) + 1, from_ms = to_ms - chosen.span_s * 1000;
  const {series} = await ask(`/api/sensors/${sensor.id}/aggregate?from=${from_ms}&to=${to_ms}&step=${chosen.span_s / steps}s&fn=avg,min,max,count`);
  const {annotations} = await ask(`/api/annotations?sensor_id=${sensor.id}&from=${from_ms}&to=${to_ms}`);
  draw_chart(sensor, series, annotations, from_ms, to_ms);
}
function draw_chart(sensor, series, notes, from_ms, to_ms) {
  let low = Math.min(...series.map(step => step.min)), high = Math.max(...series.map(step => step.max));
  const limits = [sensor.min_threshold, sensor.max_threshold].filter(limit => limit !== null && limit !== undefined);
  const spread = high - low || Math.abs(high) || 1;
  // A limit is drawn when it is near: one far away must not flatten the course.
  const near = limits.filter(limit => limit > low - spread && limit < high + spread);
  low = Math.min(low, ...near);
  high = Math.max(high, ...near);
  const pad = (high - low || 1) * 0.06, half_ms = chosen.span_s * 500 / steps;
  const x = step => (Date.parse(step.timestamp) + half_ms - from_ms) / (to_ms - from_ms) * 1000;
  const y = value => 220 - (value - low + pad) / (high - low + 2 * pad) * 220;
  const place = (step, value) => `${x(step).toFixed(1)},${y(value).toFixed(1)}`;
  const band = [...series.map(step => place(step, step.max)), ...[...series].reverse().map(step => place(step, step.min))];
  const noted = notes.map(note => {
    const [begin, end] = [note.from, note.to].map(at => Math.min(1000, Math.max(0, (Date.parse(at) - from_ms) / (to_ms - from_ms) * 1000)));
    const shown = svg('rect', {class: 'note', x: begin, y: 0, width: Math.max(end - begin, 1), height: 220});
    const title = svg('title', {});
    title.textContent = `${note.kind.replace('_', ' ')}: ${note.text} (${note.by})`;
    shown.append(title);
    return shown;
  });
  $('chart').replaceChildren(...noted, svg('polygon', {class: 'band', points: band.join(' ')}),
                             svg('polyline', {class: 'mean', points: series.map(step => place(step, step.avg)).join(' ')}),
                             ...near.map(limit => svg('line', {class: 'limit', x1: 0, x2: 1000, y1: y(limit), y2: y(limit)})));
  $('chart_from').textContent = time(from_ms);
  $('chart_to').textContent = time(to_ms);
  $('chart_high').textContent = number(high);
  $('chart_low').textContent = number(low);
  const readings = series.reduce((sum, step) => sum + step.count, 0);
  $('chart_text').textContent = `Line: mean; band: minimum to maximum of ${count(readings)} readings.` + (near.length ? ' Dashed: limits.' : '')
    + (notes.length ? ' Shaded: ' + notes.map(note => note.text).join('; ') + '.' : '');
}

function choose_sensor(id) {
  chosen.sensor = id;
  if (location.hash !== '#plant') location.hash = '#plant';
  show_chart().catch(show_trouble);
  mark_chosen();
  if (innerWidth <= 900) $('chart_section').scrollIntoView({behavior: 'smooth'});
}

for (const [label, span_s] of spans) {
  const button = node('button', label, {type: 'button', 'aria-pressed': span_s === chosen.span_s});
  button.onclick = () => {
    chosen.span_s = span_s;
    for (const other of $('spans').children) other.setAttribute('aria-pressed', other === button);
    show_chart().catch(show_trouble);
  };
  $('spans').append(button);
}
function choose(what) {
  Object.assign(chosen, what, {sensor: null});
  load_plant().then(show_plant).then(show_chart).catch(show_trouble);
}
$('factory').onchange = () => choose({factory: Number($('factory').value), machine: null});
$('machine').onchange = () => choose({machine: Number($('machine').value)});
