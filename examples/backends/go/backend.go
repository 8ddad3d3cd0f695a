// Signs Callbox tickets and JSON Web Tokens for your users. Go 1.18 or newer, nothing to install.
package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"
)

var (
	appKey  = setting("CALLBOX_APP_KEY")
	hmacKey = decoded(setting("CALLBOX_APP_SECRET"))
)

type identity struct {
	Type     string `json:"type"`
	Endpoint string `json:"endpoint"`
}

type ticketBody struct {
	Identity       identity `json:"identity"`
	ApplicationKey string   `json:"applicationKey"`
	Created        string   `json:"created"`
	ExpiresIn      int      `json:"expiresIn"`
}

type jwtHeader struct {
	Algorithm string `json:"alg"`
	Type      string `json:"typ"`
}

type jwtPayload struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	IssuedAt int64  `json:"iat"`
	Expires  int64  `json:"exp"`
	Nonce    string `json:"jti"`
}

func ticket(user string, created string) string {
	body := toJSON(ticketBody{identity{"username", user}, appKey, created, 86_400})
	return base64.StdEncoding.EncodeToString(body) + ":" + base64.StdEncoding.EncodeToString(sign(body))
}

func jwt(user string, iat int64, nonce string) string {
	header := base64.RawURLEncoding.EncodeToString(toJSON(jwtHeader{"HS256", "JWT"}))
	payload := base64.RawURLEncoding.EncodeToString(toJSON(jwtPayload{appKey, user, iat, iat + 600, nonce}))
	signature := sign([]byte(header + "." + payload))
	return header + "." + payload + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func sign(message []byte) []byte {
	mac := hmac.New(sha256.New, hmacKey)
	mac.Write(message)
	return mac.Sum(nil)
}

// toJSON leaves <, > and & as they are, and takes off the line break that an Encoder adds.
func toJSON(value any) []byte {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		log.Fatal(err)
	}
	return bytes.TrimSuffix(buffer.Bytes(), []byte("\n"))
}

func now() string {
	return time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
}

func newNonce() string {
	random := make([]byte, 16)
	if _, err := rand.Read(random); err != nil {
		log.Fatal(err)
	}
	return hex.EncodeToString(random)
}

func setting(name string) string {
	value := os.Getenv(name)
	if value == "" {
		log.Fatalf("Set %s; the key and the secret are those of your app.", name)
	}
	return value
}

// decoded turns the secret, which is Base64, into the key of the signature.
func decoded(secret string) []byte {
	key, err := base64.StdEncoding.DecodeString(secret)
	if err != nil {
		log.Fatal("CALLBOX_APP_SECRET is not Base64")
	}
	return key
}

// handler answers with one property: the credential that make signs for the user.
func handler(property string, make func(user string) string) http.HandlerFunc {
	return func(response http.ResponseWriter, request *http.Request) {
		// !!! NEVER TAKE THE USER FROM THE REQUEST, as this example does: whoever asks can then be anyone.
		// !!! A real backend takes the user from its own login session.
		user := request.URL.Query().Get("user")
		if user == "" {
			answer(response, 400, map[string]string{"error": "say which user: ?user=ann"})
			return
		}
		answer(response, 200, map[string]string{property: make(user)})
	}
}

func answer(response http.ResponseWriter, status int, body map[string]string) {
	response.Header().Set("Content-Type", "application/json")
	response.Header().Set("Cache-Control", "no-store")
	response.WriteHeader(status)
	response.Write(toJSON(body))
}

func serve() {
	port := os.Getenv("PORT")
	if port == "" {
		port = "9000"
	}
	http.Handle("/ticket", handler("ticket", func(user string) string { return ticket(user, now()) }))
	http.Handle("/jwt", handler("jwt", func(user string) string {
		return jwt(user, time.Now().Unix(), newNonce())
	}))
	http.HandleFunc("/", func(response http.ResponseWriter, _ *http.Request) {
		answer(response, 404, map[string]string{"error": "ask for /ticket or /jwt"})
	})
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("Listening on http://127.0.0.1:" + port)
	log.Fatal(http.Serve(listener, nil))
}

func main() {
	arguments := os.Args[1:]
	argument := func(index int, otherwise string) string {
		if index < len(arguments) {
			return arguments[index]
		}
		return otherwise
	}
	switch {
	case len(arguments) == 0:
		serve()
	case arguments[0] == "ticket" && len(arguments) >= 2:
		fmt.Println(ticket(arguments[1], argument(2, now())))
	case arguments[0] == "jwt" && len(arguments) >= 2:
		iat, err := strconv.ParseInt(argument(2, strconv.FormatInt(time.Now().Unix(), 10)), 10, 64)
		if err != nil {
			log.Fatal("iat is a number of seconds")
		}
		fmt.Println(jwt(arguments[1], iat, argument(3, newNonce())))
	default:
		log.Fatal("usage: backend [ticket <user> [created] | jwt <user> [iat] [nonce]]")
	}
}
