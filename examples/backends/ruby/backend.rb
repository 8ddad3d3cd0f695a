# frozen_string_literal: true

# Signs Callbox tickets and JSON Web Tokens for your users. Ruby 3.0 or newer, nothing to install.

require 'json'
require 'openssl'
require 'securerandom'
require 'socket'
require 'time'
require 'uri'

APP_KEY, APP_SECRET = %w[CALLBOX_APP_KEY CALLBOX_APP_SECRET].map do |name|
  ENV.fetch(name) { abort "Set #{name}; the key and the secret are those of your app." }
end

def ticket(user, created = Time.now.utc.iso8601(3))
  json = JSON.generate(
    identity: { type: 'username', endpoint: user },
    applicationKey: APP_KEY,
    created: created,
    expiresIn: 86_400
  )
  "#{base64(json)}:#{base64(sign(json))}"
end

def jwt(user, iat = Time.now.to_i, nonce = SecureRandom.uuid)
  header = base64url(JSON.generate(alg: 'HS256', typ: 'JWT'))
  payload = base64url(JSON.generate(iss: APP_KEY, sub: user, iat: iat.to_i, exp: iat.to_i + 600, jti: nonce))
  "#{header}.#{payload}.#{base64url(sign("#{header}.#{payload}"))}"
end

# The secret is Base64: the key is what it decodes to.
def sign(message)
  OpenSSL::HMAC.digest('SHA256', APP_SECRET.unpack1('m'), message)
end

def base64(bytes)
  [bytes].pack('m0')
end

def base64url(bytes)
  base64(bytes).tr('+/', '-_').delete('=')
end

def answer(target)
  path, query = target.split('?', 2)
  # !!! NEVER TAKE THE USER FROM THE REQUEST, as this example does: whoever asks can then be anyone.
  # !!! A real backend takes the user from its own login session.
  user = URI.decode_www_form(query.to_s).to_h['user'].to_s
  return ['404 Not Found', { error: 'ask for /ticket or /jwt' }] unless %w[/ticket /jwt].include?(path)
  return ['400 Bad Request', { error: 'say which user: ?user=ann' }] if user.empty?

  ['200 OK', path == '/ticket' ? { ticket: ticket(user) } : { jwt: jwt(user) }]
end

# Just enough HTTP for an example; in an application this is a route of Rails or Sinatra.
def serve(port)
  server = TCPServer.new('127.0.0.1', port)
  puts "Listening on http://127.0.0.1:#{port}"
  $stdout.flush
  loop { Thread.new(server.accept) { |socket| converse(socket) } }
end

def converse(socket)
  target = socket.gets.to_s.split[1] || '/'
  loop { break if socket.gets.to_s.strip.empty? }
  status, body = answer(target)
  json = JSON.generate(body)
  socket.write("HTTP/1.1 #{status}\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n" \
               "Content-Length: #{json.bytesize}\r\nConnection: close\r\n\r\n#{json}")
ensure
  socket.close
end

form, *arguments = ARGV
case [form, arguments.length]
in ['ticket', 1..2] then puts ticket(*arguments)
in ['jwt', 1..3] then puts jwt(*arguments)
in [nil, 0] then serve(Integer(ENV.fetch('PORT', '9000')))
else abort 'usage: backend.rb [ticket <user> [created] | jwt <user> [iat] [nonce]]'
end
