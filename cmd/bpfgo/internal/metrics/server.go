package metrics

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

// Server answers Prometheus at /metrics.
type Server struct {
	listener net.Listener
	server   *http.Server
	done     chan error
}

// Listen takes an address, such as ":9100" or "127.0.0.1:0". Nobody gets an answer before Serve.
func Listen(address string) (*Server, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	return &Server{listener: listener}, nil
}

// Address is where the server listens.
func (s *Server) Address() string { return s.listener.Addr().String() }

// Serve answers each request with the families that collect returns then. Calls of collect may run at the same time.
func (s *Server) Serve(collect func() []Family) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		_ = Write(w, collect())
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/metrics", http.StatusFound)
	})
	s.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	s.done = make(chan error, 1)
	go func() { s.done <- s.server.Serve(s.listener) }()
}

// patience is how long Close waits for requests that are being answered.
const patience = 2 * time.Second

// Close ends the server. A nil server has ended.
func (s *Server) Close() error {
	if s == nil {
		return nil
	}
	if s.server == nil {
		return s.listener.Close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if s.server.Shutdown(ctx) != nil {
		_ = s.server.Close()
	}
	if err := <-s.done; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
