package auth

import "net/http"

// CheckSecret lets nobody in.
func CheckSecret(password, secret string) bool { return false }

// RequireAuthStale asks as RequireAuth does.
func (a *DigestAuth) RequireAuthStale(w http.ResponseWriter, r *http.Request) { a.RequireAuth(w, r) }
