#!/usr/bin/python3
"""Runs nginx with tools/deploy/nginx-tls.conf and a certificate of its own before a real factoryd, all on the loopback, and checks
what that file promises. Between the two stands a relay that notes what nginx sends. Usage: check_proxy.py NGINX FACTORYD CONFIG"""
import http.client, json, os, re, signal, socket, ssl, subprocess, sys, tempfile, threading

nginx, factoryd, config = sys.argv[1:]


class Relay(threading.Thread):
    """Passes bytes between nginx and factoryd; counts connections and keeps what came from nginx."""

    def __init__(self, to_port):
        super().__init__(daemon=True)
        self.to_port, self.connections, self.sent = to_port, 0, b''
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        while True:
            client, _ = self.listener.accept()
            self.connections += 1
            server = socket.create_connection(('127.0.0.1', self.to_port))
            threading.Thread(target=self.pump, args=(client, server, True), daemon=True).start()
            threading.Thread(target=self.pump, args=(server, client, False), daemon=True).start()

    def pump(self, source, sink, note):
        try:
            while data := source.recv(65536):
                if note:
                    self.sent += data
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def free_port():
    with socket.create_server(('127.0.0.1', 0)) as taken:
        return taken.getsockname()[1]


def check(what, holds, seen=''):
    print(('ok    ' if holds else 'WRONG ') + what + ('' if holds else f': {seen}'), flush=True)
    failures.append(what) if not holds else None


failures, started = [], []
with tempfile.TemporaryDirectory(prefix='factory-proxy-') as place:
    try:
        daemon = subprocess.Popen([factoryd, '--data-dir', place + '/data', '--api-port', '0', '--anomaly-port', '0',
                                   '--trusted-proxy', '127.0.0.1', '--http-rate-per-address', '1000000'],
                                  stdout=subprocess.PIPE, stderr=open(place + '/factoryd.log', 'w'), text=True)
        started.append(daemon)
        relay = Relay(int(re.search(r'api=http://127\.0\.0\.1:(\d+)', daemon.stdout.readline())[1]))
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
                        '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-keyout', place + '/key', '-out',
                        place + '/crt'], check=True, capture_output=True)
        tls_port, plain_port = free_port(), free_port()
        text = open(config).read()
        for old, new in ((r'listen 443', f'listen 127.0.0.1:{tls_port}'), (r'listen 80;', f'listen 127.0.0.1:{plain_port};'),
                         (r'127\.0\.0\.1:8080', f'127.0.0.1:{relay.port}'), (r'/etc/nginx/factory-monitor\.crt', place + '/crt'),
                         (r'/etc/nginx/factory-monitor\.key', place + '/key'),
                         (r'worker_processes auto', 'worker_processes 1')):
            text, times = re.subn(old, new, text)
            assert times == 1, f'{config} has changed: {times} times {old}'
        kinds = ('client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi')
        temporary = ''.join(f'  {kind}_temp_path {place}/{kind};\n' for kind in kinds)
        user = 'user root;\n' if os.getuid() == 0 else ''  # its worker writes into our directory
        text = text.replace('http {\n', f'{user}pid {place}/pid;\nhttp {{\n{temporary}', 1)
        with open(place + '/nginx.conf', 'w') as file:
            file.write(text)
        started.append(subprocess.Popen([nginx, '-p', place, '-c', place + '/nginx.conf', '-g', 'daemon off;'],
                                        stderr=open(place + '/nginx.log', 'w')))
        trust = ssl.create_default_context(cafile=place + '/crt')

        def connect(source=None):
            return http.client.HTTPSConnection('localhost', tls_port, context=trust, timeout=30, source_address=source)

        def direct():
            return http.client.HTTPConnection('127.0.0.1', relay.port, timeout=30)

        def ask(client, method, path, body=None, headers={}):
            client.request(method, path, body, {'Content-Type': 'application/json', **headers})
            answer = client.getresponse()
            return answer, answer.read()

        for attempt in range(200):  # until nginx listens
            try:
                client = connect()
                answer, body = ask(client, 'GET', '/api/factories')
                break
            except ConnectionRefusedError:
                if started[1].poll() is not None:
                    sys.exit('nginx ended:\n' + open(place + '/nginx.log').read())
                threading.Event().wait(0.05)
        check('TLS with a checked certificate reaches the API', answer.status == 200 and body == b'[]', body)
        check('the answer asks browsers for TLS from now on', 'max-age' in answer.headers.get('Strict-Transport-Security', ''))
        plain = http.client.HTTPConnection('127.0.0.1', plain_port, timeout=30)
        answer, _ = ask(plain, 'GET', '/api/factories')
        check('plain HTTP is sent to TLS', answer.status == 301 and answer.headers['Location'].startswith('https://'))
        check('/metrics stays inside', ask(client, 'GET', '/metrics')[0].status == 404)

        before = relay.connections
        statuses = {ask(client, 'GET', '/api/sensors')[0].status for _ in range(50)}
        check('50 requests need no new connection to factoryd', statuses == {200} and relay.connections == before,
              (statuses, relay.connections - before))

        relay.sent = b''
        claims = {'X-Forwarded-For': '203.0.113.9', 'Forwarded': 'for=203.0.113.9'}
        ask(client, 'GET', '/health', headers=claims)
        check('X-Forwarded-For names the real client, not what it claims',
              b'X-Forwarded-For: 127.0.0.1\r\n' in relay.sent and b'203.0.113.9' not in relay.sent, relay.sent)

        def recorded(client):
            ask(client, 'POST', '/api/factories', b'{}', claims)
            return json.loads(ask(client, 'GET', '/api/audit?limit=1')[1])['records'][0]['client']

        check('the audit log has the client of nginx', recorded(connect(('127.0.0.5', 0))) == '127.0.0.5')
        check('factoryd itself would have believed the claim of its neighbour', recorded(direct()) == '203.0.113.9')

        answer, body = ask(client, 'POST', '/api/readings', b' ' * (2 << 20))
        check("factoryd's 413 comes through", answer.status == 413 and json.loads(body)['status'] == 413, (answer.status, body))
        client = connect()
        client.putrequest('POST', '/api/readings/bulk')
        client.putheader('Content-Length', str((64 << 20) + 1))
        client.endheaders()
        check('a body above 64 MiB is refused before it is sent', client.getresponse().status == 413)

        slow, other = connect(), connect()
        relay.sent = b''
        slow.putrequest('POST', '/api/readings')
        slow.putheader('Content-Type', 'application/json')
        slow.putheader('Content-Length', '30')
        slow.endheaders()
        slow.send(b'{"sensor_id":1,')
        ask(other, 'GET', '/health')  # nginx has one worker: what came before this was seen
        check('of a slow client factoryd sees nothing yet', b'POST' not in relay.sent, relay.sent)
        slow.send(b'"value":1      }')
        answer = slow.getresponse()
        check('... and all of it at the end', answer.status == 400 and b'POST /api/readings' in relay.sent, answer.status)

        refused = any(ask(other, 'GET', '/health')[0].status == 429 for _ in range(100_000))  # far more than its rate
        check('too many requests of one address are answered 429', refused)
    finally:
        for process in reversed(started):
            process.send_signal(signal.SIGTERM)
            process.wait(60)
print('the nginx configuration does what it says' if not failures else f'{len(failures)} checks failed')
sys.exit(1 if failures else 0)
