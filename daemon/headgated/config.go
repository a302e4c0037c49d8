package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/providers/posflag"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"

	"github.com/headgate/terraform-provider-headgate/daemon/secret"
)

// envPrefix goes before the names of settings in the environment: listen is HEADGATE_LISTEN.
const envPrefix = "HEADGATE_"

// serveConfig holds the settings of serve, from the file, the environment and the flags; the later ones win.
type serveConfig struct {
	Listen         string `koanf:"listen"`
	DataDir        string `koanf:"data_dir"`
	TLSCertificate string `koanf:"tls_certificate"`
	TLSKey         string `koanf:"tls_key"`
	Token          string `koanf:"token"`
	TokenFile      string `koanf:"token_file"`
	Key            string `koanf:"key"`
	KeyFile        string `koanf:"key_file"`
	LogLevel       string `koanf:"log_level"`
	LogFormat      string `koanf:"log_format"`
}

// secretSettings cannot be given as flags: everyone on the machine sees the arguments of a process.
var secretSettings = []string{"token", "key"}

func serveFlags(flags *pflag.FlagSet) {
	flags.String("config", "", "YAML file with the settings; names are those of the flags with underscores, and token and key")
	flags.String("listen", "127.0.0.1:7070", "address of the API, as host:port")
	flags.String("data-dir", "", "directory of the store (required)")
	flags.String("tls-certificate", "", "PEM file of the API's certificate chain; read again when it changes")
	flags.String("tls-key", "", "PEM file of the certificate's key")
	flags.String("token-file", "", "file with the bearer tokens to let in, one a line; a single token may be in HEADGATE_TOKEN")
	flags.String("key-file", "", "file with the key that seals secrets; the key itself may be in HEADGATE_KEY (default: generated into the data directory)")
	flags.String("log-level", "info", "debug, info, warn or error")
	flags.String("log-format", "", "text or json (default: text on a terminal, json elsewhere)")
}

func loadServeConfig(flags *pflag.FlagSet) (*serveConfig, error) {
	k := koanf.New(".")
	if path, err := flags.GetString("config"); err == nil && path != "" {
		if err := k.Load(file.Provider(path), yaml.Parser()); err != nil {
			return nil, fmt.Errorf("read config %s: %w", path, err)
		}
	}
	if err := refuseUnknown(k.Keys(), flags); err != nil {
		return nil, err
	}
	fromEnv := env.Provider(".", env.Opt{Prefix: envPrefix, TransformFunc: func(key, value string) (string, any) {
		return strings.ToLower(strings.TrimPrefix(key, envPrefix)), value
	}})
	if err := k.Load(fromEnv, nil); err != nil {
		return nil, fmt.Errorf("read environment: %w", err)
	}
	fromFlags := posflag.ProviderWithFlag(flags, ".", k, func(f *pflag.Flag) (string, any) {
		return strings.ReplaceAll(f.Name, "-", "_"), f.Value.String()
	})
	if err := k.Load(fromFlags, nil); err != nil {
		return nil, fmt.Errorf("read flags: %w", err)
	}
	var cfg serveConfig
	if err := k.Unmarshal("", &cfg); err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	return &cfg, cfg.check()
}

// refuseUnknown finds misspelt settings in the file.
func refuseUnknown(keys []string, flags *pflag.FlagSet) error {
	for _, key := range keys {
		known := flags.Lookup(strings.ReplaceAll(key, "_", "-")) != nil
		for _, s := range secretSettings {
			known = known || key == s
		}
		if !known {
			return fmt.Errorf("there is no setting %q: see headgated serve --help", key)
		}
	}
	return nil
}

func (c *serveConfig) check() error {
	if c.DataDir == "" {
		return errors.New("data_dir is required: give a directory with --data-dir, HEADGATE_DATA_DIR or data_dir in the config file")
	}
	if (c.TLSCertificate == "") != (c.TLSKey == "") {
		return errors.New("tls_certificate and tls_key belong together: give both or neither")
	}
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("listen %q is not host:port", c.Listen)
	}
	tokens, err := c.tokens()
	if err != nil {
		return err
	}
	if len(tokens) == 0 && !isLoopback(host) {
		return fmt.Errorf("listening on %s without a token would let everyone in: give tokens with HEADGATE_TOKEN or --token-file, or listen on 127.0.0.1", c.Listen)
	}
	return nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// minTokenLength keeps out tokens that can be guessed.
const minTokenLength = 16

func (c *serveConfig) tokens() ([]string, error) {
	var tokens []string
	if c.Token != "" {
		tokens = append(tokens, c.Token)
	}
	if c.TokenFile != "" {
		raw, err := os.ReadFile(c.TokenFile)
		if err != nil {
			return nil, fmt.Errorf("read token_file: %w", err)
		}
		found := strings.Fields(string(raw))
		if len(found) == 0 {
			return nil, fmt.Errorf("token_file %s holds no token: write one into it, or leave token_file out to let in everyone who can connect to 127.0.0.1", c.TokenFile)
		}
		tokens = append(tokens, found...)
	}
	for _, t := range tokens {
		if len(t) < minTokenLength {
			return nil, fmt.Errorf("a token is shorter than %d characters: make one with `openssl rand -hex 32`", minTokenLength)
		}
	}
	return tokens, nil
}

// sealer takes the key from where it is given, or from the data directory. It says when it generated one, which it does
// only while there is nothing sealed.
func (c *serveConfig) sealer(nothingSealed bool) (sealer *secret.Sealer, generated string, err error) {
	switch {
	case c.Key != "" && c.KeyFile != "":
		return nil, "", errors.New("key and key_file are both given: give one")
	case c.Key != "":
		sealer, err = secret.New(c.Key)
		return sealer, "", err
	case c.KeyFile != "":
		sealer, err = secret.FromFile(c.KeyFile)
		return sealer, "", err
	}
	if _, err := os.Stat(filepath.Join(c.DataDir, secret.KeyFile)); errors.Is(err, fs.ErrNotExist) && !nothingSealed {
		return nil, "", fmt.Errorf("the key file %s is gone, and the data directory holds credentials that were sealed with it: put it back from the backup, or give the key with --key-file or HEADGATE_KEY",
			filepath.Join(c.DataDir, secret.KeyFile))
	}
	sealer, file, isNew, err := secret.FromDirectory(c.DataDir)
	if isNew {
		generated = file
	}
	return sealer, generated, err
}
