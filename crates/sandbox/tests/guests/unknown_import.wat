(module (import "env" "fork" (func)) (func (export "_start")))
